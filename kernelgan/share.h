#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace zsr::kernelgan {

/// Where two threads wait for each other, many times within one training step: they look for a moment before they give
/// the processor away.
class Meeting {
 public:
  void wait() {
    const uint32_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) == 1) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      return;
    }
    constexpr int kLooks = 4000;
    for (int looks = 0; round_.load(std::memory_order_acquire) == round; ++looks) {
      if (looks > kLooks) std::this_thread::yield();
    }
  }

 private:
  std::atomic<uint32_t> arrived_{0};
  std::atomic<uint32_t> round_{0};
};

/// One thread's part of a piece of work: all of it, or one half where two threads share it.
struct Share {
  int part = 0;
  int parts = 1;
  Meeting* meeting = nullptr;

  struct Range {
    int64_t begin;
    int64_t end;
    int64_t count() const { return end - begin; }
  };
  Range of(int64_t count) const { return {count * part / parts, count * (part + 1) / parts}; }
  bool first() const { return part == 0; }
  /// What the others wrote before may be read after.
  void meet() const {
    if (meeting != nullptr) meeting->wait();
  }
};

}  // namespace zsr::kernelgan
