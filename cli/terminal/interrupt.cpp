#include "cli/terminal/interrupt.h"

#include "core/files.h"

#include <atomic>
#include <csignal>
#include <unistd.h>

namespace zsr::cli {
namespace {

std::atomic<int> received_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  int none = 0;
  if (received_signal.compare_exchange_strong(none, signal)) return;
  remove_temporary_files();
  _exit(128 + signal);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // a write in progress goes on; the loops poll
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A full disk quota and a closed pipe are errors of the write, not reasons to die half-way.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() {
  return received_signal != 0;
}

int interrupt_exit_code() {
  return received_signal == 0 ? 0 : 128 + received_signal;
}

}  // namespace zsr::cli
