#pragma once

#include "training/patches.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace zsr::training {

/// Draws the batches of the coming steps on threads of its own, several at once, and hands them out in order. Which
/// thread draws a batch does not change it.
class Prefetch {
 public:
  /// Batches of `source` from `first_step` on, patches [first, last) of each. `threads` > 0.
  Prefetch(const PatchSource& source, int64_t first_step, int64_t first, int64_t last, int64_t threads = 1);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// The next batch. Throws what drawing it threw.
  std::vector<Batch> next();
  /// Seconds that `next` has waited: what loading costs a run.
  double waited_s() const { return waited_s_; }

 private:
  void loop();
  const PatchSource& source_;
  int64_t first_;
  int64_t last_;
  double waited_s_ = 0.0;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t next_to_draw_;
  int64_t next_to_give_;
  std::map<int64_t, std::vector<Batch>> ready_;  // by step
  std::exception_ptr failure_;
  int64_t failed_step_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;  // last: the loops need all of the above
};

}  // namespace zsr::training
