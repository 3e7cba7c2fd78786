#pragma once

#include "cli/flags/options.h"

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace zsr::cli {

/// Flags that every computing command has.
struct CommonFlags {
  std::string device = "auto";
  std::string gpu;
  int64_t threads = 0;
  int64_t seed = 0;
  bool quiet = false;
  bool json = false;
};

void add_common_flags(OptionSet& options, CommonFlags& flags);

/// What the flags come to.
struct Runtime {
  torch::Device device = torch::kCPU;
  int64_t threads = 1;
  uint64_t seed = 0;
};

/// Sets the threads and finds the device. Throws OptionError / UsageError.
Runtime start_runtime(const CommonFlags& flags);

}  // namespace zsr::cli
