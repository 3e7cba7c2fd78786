#include "kernelgan/side_thread.h"

#include <ATen/Parallel.h>

#include <utility>

namespace zsr::kernelgan {
namespace {

// Returns once the state is another than `old`.
template <class State>
State after(const std::atomic<State>& state, State old) {
  constexpr int kLooks = 20000;  // some tens of microseconds
  for (int looks = 0; looks < kLooks; ++looks) {
    const State now = state.load(std::memory_order_acquire);
    if (now != old) return now;
  }
  state.wait(old, std::memory_order_acquire);
  return state.load(std::memory_order_acquire);
}

}  // namespace

SideThread::SideThread() : thread_([this] { loop(); }) {}

SideThread::~SideThread() {
  after(state_, State::kBusy);
  change(State::kEnding);
  thread_.join();
}

void SideThread::change(State state) {
  state_.store(state, std::memory_order_release);
  state_.notify_all();
}

void SideThread::start(std::function<void()> task) {
  task_ = std::move(task);
  change(State::kBusy);
}

void SideThread::wait() {
  after(state_, State::kBusy);
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void SideThread::loop() {
  at::set_num_threads(1);  // holds for this thread alone
  while (after(state_, State::kIdle) != State::kEnding) {
    try {
      task_();
    } catch (...) {
      failure_ = std::current_exception();
    }
    change(State::kIdle);
  }
}

}  // namespace zsr::kernelgan
