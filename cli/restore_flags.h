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
  std::string scratches;
  std::string save_mask;
  std::string tone;
  bool adapt = false;

  /// The first of these flags that the user gave, "--strength" and the like; empty when none. "off" is not counted.
  std::string first_named() const;
};

/// Where the mask of scratches comes from.
enum class Scratches {
  kOff,
  kAuto,  ///< Proposed from the photo (degradations/scratches.h).
  kFile,
};

void add_restore_flags(OptionSet& options, RestoreFlags& flags);

/// What the flags say, over the defaults. `strength` is empty where it follows from the photo. Throws UsageError.
struct RestoreSettings {
  restore::Options options;
  std::optional<double> strength;
  Scratches scratches = Scratches::kOff;
  std::string mask;       ///< File, of Scratches::kFile.
  std::string save_mask;  ///< File, or empty.
  bool tone = false;      ///< Colour cast and fading are corrected.
};
/// `old_photo`: of --task old, where scratches are looked for unless the flags say otherwise.
RestoreSettings resolve_restore_flags(const RestoreFlags& flags, bool old_photo = false);

}  // namespace zsr::cli
