#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace zsr::kernelgan {

/// One helper thread that runs one task at a time, each as one thread, beside the caller. Waking it costs microseconds;
/// starting a thread for every training step would not.
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
  void loop();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> task_;
  std::exception_ptr failure_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;  // last: the loop needs all of the above
};

}  // namespace zsr::kernelgan
