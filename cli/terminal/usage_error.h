#pragma once

#include "core/error.h"

namespace zsr::cli {

/// The command line cannot be understood; exit code 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Exit codes, the contract with scripts.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,        ///< Some input failed.
  kExitUsage = 2,         ///< The command line or an option is wrong.
  kExitInterrupted = 130  ///< Ctrl-C; the best result so far was saved.
};

}  // namespace zsr::cli
