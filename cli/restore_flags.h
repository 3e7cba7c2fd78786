#pragma once

#include "cli/options.h"
#include "restore/options.h"

#include <optional>
#include <string>

namespace zsr::cli {

/// Settings of the restoration as typed; empty = chosen by what the photo tells.
struct RestoreFlags {
  std::string strength;
  std::string detail;
  std::string denoise;
  std::string dejpeg;
  std::string grain;

  /// The first of these flags that the user gave, "--strength" and the like; empty when none.
  std::string first_named() const;
};

void add_restore_flags(OptionSet& options, RestoreFlags& flags);

/// What the flags say, over the defaults. `strength` is empty where it follows from the photo. Throws UsageError.
struct RestoreSettings {
  restore::Options options;
  std::optional<double> strength;
};
RestoreSettings resolve_restore_flags(const RestoreFlags& flags);

}  // namespace zsr::cli
