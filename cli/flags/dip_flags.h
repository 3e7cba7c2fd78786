#pragma once

#include "cli/flags/options.h"
#include "image/photo.h"
#include "pipeline/request.h"

#include <filesystem>
#include <string>

namespace zsr::cli {

/// Settings of Deep Image Prior as typed; empty or 0: the task's own.
struct DipFlags {
  std::string task = "sr";
  std::string mask;
  bool accept_mask = false;
  std::string stop = "auto";
  std::string frames;
  int64_t steps = 0;
  int64_t frame_every = 100;
  int64_t tile = -1;
  double noise = -1.0;
  double average = -1.0;
  double learning_rate = 0.0;
  std::string prior;  ///< dip-fkp: weights by file or name; empty: those that come with zsr.
};

void add_dip_flags(OptionSet& options, DipFlags& flags);

/// --prior, where `steps` too: --steps.
void add_fkp_flags(OptionSet& options, DipFlags& flags, bool steps);

/// The kernel prior of the flags. Throws UsageError, InputError, IoError.
FlowPrior load_prior(const DipFlags& flags, Scale scale);

/// Takes the flags of the method "dip" over into `request`, whose scale is set; reads the mask. Throws UsageError,
/// OptionError, InputError, IoError.
void take_dip_flags(const DipFlags& flags, const ReadLimits& limits, pipeline::Request& request);

/// Likewise those of "dip-fkp"; loads the kernel prior.
void take_fkp_flags(const DipFlags& flags, pipeline::Request& request);

/// For --mask auto: proposes what to fill in `photo` (a file) and writes the mask, and the photo with it in red, beside
/// it; returns the mask's path. Throws InputError when nothing was found, IoError.
std::filesystem::path write_proposed_mask(const std::filesystem::path& photo, const ReadLimits& limits,
                                          Overwrite overwrite, bool quiet);

}  // namespace zsr::cli
