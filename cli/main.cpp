#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/usage_error.h"

#include <fmt/format.h>

#include <string>
#include <vector>

int main(int argc, char** argv) {
  using namespace zsr::cli;
  install_interrupt_handler();
  try {
    return dispatch({argv + 1, argv + argc});
  } catch (...) {
    const Failure failure = current_failure();
    fmt::print(stderr, "zsr: {}\n", failure.message);
    if (failure.code == kExitUsage) return kExitUsage;
    return interrupt_exit_code() != 0 ? interrupt_exit_code() : failure.code;
  }
}
