#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/usage_error.h"
#include "core/error.h"
#include "core/files.h"

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

// Messages to a full disk are lost; the work goes on. (fmt throws where stdio tells of an error.)
void ignore_a_full_stderr() {
  const auto write_what_can_be = [](void*, const char* text, size_t size) -> ssize_t {
    try {
      zsr::write_all(STDERR_FILENO, {text, size}, "standard error");
    } catch (const zsr::IoError&) {
      // There is nowhere to say it.
    }
    return static_cast<ssize_t>(size);
  };
  std::FILE* const file = fopencookie(nullptr, "w", {nullptr, write_what_can_be, nullptr, nullptr});
  if (file == nullptr) return;
  setvbuf(file, nullptr, _IONBF, 0);
  stderr = file;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace zsr::cli;
  ignore_a_full_stderr();
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
