#include "training/prefetch.h"

#include <ATen/Parallel.h>

#include <chrono>

namespace zsr::training {

constexpr size_t kAhead = 4;

Prefetch::Prefetch(const PatchSource& source, int64_t first_step, int64_t first, int64_t last)
    : source_(source), step_(first_step), first_(first), last_(last), thread_([this] { loop(); }) {}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::vector<Batch> Prefetch::next() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty() || failure_; });
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (ready_.empty()) std::rethrow_exception(failure_);
  std::vector<Batch> batch = std::move(ready_.front());
  ready_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Prefetch::loop() {
  at::set_num_threads(1);  // holds for this thread alone
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ready_.size() < kAhead || ending_; });
      if (ending_) return;
    }
    try {
      std::vector<Batch> batch = source_.draw(step_++, first_, last_);
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(batch));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      ending_ = true;
    }
    changed_.notify_all();
  }
}

}  // namespace zsr::training
