#include "training/prefetch.h"

#include <ATen/Parallel.h>

#include <chrono>

namespace zsr::training {

constexpr int64_t kAhead = 4;

Prefetch::Prefetch(const PatchSource& source, int64_t first_step, int64_t first, int64_t last, int64_t threads)
    : source_(source), first_(first), last_(last), next_to_draw_(first_step), next_to_give_(first_step) {
  for (int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { loop(); });
}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::vector<Batch> Prefetch::next() {
  const auto start = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ready_.contains(next_to_give_) || (failure_ && failed_step_ <= next_to_give_); });
  waited_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!ready_.contains(next_to_give_)) std::rethrow_exception(failure_);
  std::vector<Batch> batch = std::move(ready_.extract(next_to_give_++).mapped());
  lock.unlock();
  changed_.notify_all();
  return batch;
}

void Prefetch::loop() {
  at::set_num_threads(1);  // holds for this thread alone
  for (;;) {
    int64_t step = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return next_to_draw_ < next_to_give_ + kAhead || ending_; });
      if (ending_) return;
      step = next_to_draw_++;
    }
    try {
      std::vector<Batch> batch = source_.draw(step, first_, last_);
      const std::lock_guard lock(mutex_);
      ready_[step] = std::move(batch);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      // Of several the earliest counts, so that a run fails at the same step every time.
      if (!failure_ || step < failed_step_) {
        failure_ = std::current_exception();
        failed_step_ = step;
      }
      ending_ = true;
    }
    changed_.notify_all();
  }
}

}  // namespace zsr::training
