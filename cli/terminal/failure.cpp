#include "cli/terminal/failure.h"

#include "cli/command.h"
#include "cli/terminal/usage_error.h"
#include "core/error.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <new>

namespace zsr::cli {
namespace {

constexpr const char* kOutOfMemory = "out of memory; a smaller --tile needs less, or close other programs";

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const OptionError& error) {
    return {kExitUsage, error.what(), true};
  } catch (const IoError& error) {
    return {kExitFailed, error.what(), true};
  } catch (const Error& error) {
    return {kExitFailed, error.what(), false};
  } catch (const std::filesystem::filesystem_error& error) {
    return {kExitFailed, fmt::format("cannot use '{}': {}", error.path1().string(), error.code().message()), true};
  } catch (const std::bad_alloc&) {
    return {kExitFailed, kOutOfMemory, false};
  } catch (const c10::Error& error) {
    // LibTorch's allocator has no exception of its own.
    const std::string text = error.what_without_backtrace();
    if (text.find("allocate memory") != std::string::npos) return {kExitFailed, kOutOfMemory, false};
    return {kExitFailed, "internal error: " + text.substr(0, text.find('\n')), false};
  } catch (const std::exception& error) {
    return {kExitFailed, std::string("internal error: ") + error.what(), false};
  }
}

}  // namespace zsr::cli
