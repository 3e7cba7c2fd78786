#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/usage_error.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <exception>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  using namespace zsr::cli;
  install_interrupt_handler();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    return dispatch(arguments);
  } catch (const UsageError& error) {
    fmt::print(stderr, "zsr: {}\n", error.what());
    return kExitUsage;
  } catch (const zsr::OptionError& error) {
    fmt::print(stderr, "zsr: {}\n", error.what());
    return kExitUsage;
  } catch (const zsr::Error& error) {
    fmt::print(stderr, "zsr: {}\n", error.what());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "zsr: out of memory; try a smaller --tile, or close other programs\n");
  } catch (const c10::Error& error) {
    fmt::print(stderr, "zsr: internal error: {}\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    fmt::print(stderr, "zsr: internal error: {}\n", error.what());
  }
  return interrupt_exit_code() != 0 ? interrupt_exit_code() : kExitFailed;
}
