#pragma once

#include "training/patches.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

namespace zsr::training {

/// Draws the batches of the coming steps on a thread of its own, in order, a few ahead.
class Prefetch {
 public:
  /// Batches of `source` from `first_step` on, patches [first, last) of each.
  Prefetch(const PatchSource& source, int64_t first_step, int64_t first, int64_t last);
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
  int64_t step_;
  int64_t first_;
  int64_t last_;
  double waited_s_ = 0.0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<Batch>> ready_;
  std::exception_ptr failure_;
  bool ending_ = false;
  std::thread thread_;  // last: the loop needs all of the above
};

}  // namespace zsr::training
