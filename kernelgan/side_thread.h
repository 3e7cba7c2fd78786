#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <thread>

namespace zsr::kernelgan {

/// One helper thread that runs one task at a time, each as one thread, beside the caller. Both look for a moment before
/// they sleep: tasks follow each other within microseconds, which waking a thread would cost too.
class SideThread {
 public:
  SideThread();
  ~SideThread();
  SideThread(const SideThread&) = delete;
  SideThread& operator=(const SideThread&) = delete;

  /// Begins `task`; the last one must have been waited for.
  void start(std::function<void()> task);
  /// Returns when the task has ended; throws what it threw.
  void wait();

 private:
  enum class State { kIdle, kBusy, kEnding };
  void loop();
  void change(State state);
  std::atomic<State> state_{State::kIdle};
  std::function<void()> task_;
  std::exception_ptr failure_;
  std::thread thread_;  // last: the loop needs all of the above
};

}  // namespace zsr::kernelgan
