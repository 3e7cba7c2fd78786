#pragma once

#include "core/error.h"

namespace zsr::cli {

/// The command line cannot be understood; exit code 2.
class UsageError : public OptionError {
 public:
  using OptionError::OptionError;
};

/// Exit codes, the contract with scripts; beside them interrupt_exit_code(), 128 and the signal's number.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  ///< Some input failed.
  kExitUsage = 2,   ///< The command line or an option is wrong.
};

}  // namespace zsr::cli
