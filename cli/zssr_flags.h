#pragma once

#include "cli/options.h"
#include "zssr/options.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace zsr::cli {

/// ZSSR's settings as flags: a preset, and single values over it.
struct ZssrFlags {
  std::string preset = "default";
  std::string kernel;  ///< Empty: auto with the default preset where an estimate is possible, else bicubic.
  std::string kernel_convention = "zssr";
  std::string phase = "center";
  std::string noise;  ///< Empty: auto where the kernel is by default, else the preset's.
  std::string gradual;
  std::string optimizer;
  std::string ensemble;
  zssr::Options options;
};

/// Binds the flags; `flags.options` must already hold the preset's values.
void add_zssr_flags(OptionSet& options, ZssrFlags& flags);

/// Applies the textual flags (kernel, phase, noise, ...) to `flags.options`. Throws UsageError, InputError, IoError.
void resolve_zssr_flags(ZssrFlags& flags);

/// Every effective setting, for records.
nlohmann::json to_json(const zssr::Options& options);

}  // namespace zsr::cli
