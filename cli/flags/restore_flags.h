#pragma once

#include "cli/flags/options.h"
#include "image/photo.h"
#include "pipeline/request.h"

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

void add_restore_flags(OptionSet& options, RestoreFlags& flags);

/// Takes the flags over into `request`; reads the mask of --scratches. `old_photo`: of --task old, where scratches are
/// looked for unless the flags say otherwise. Throws UsageError, InputError and IoError.
void take_restore_flags(const RestoreFlags& flags, bool old_photo, const ReadLimits& limits,
                        pipeline::RestoreRequest& request);

}  // namespace zsr::cli
