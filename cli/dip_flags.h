#pragma once

#include "cli/options.h"
#include "cli/progress.h"
#include "core/image/photo.h"
#include "degradations/flow_prior.h"
#include "dip/dip.h"

#include <nlohmann/json_fwd.hpp>

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

/// Throws UsageError and OptionError; `scale` as of --scale. Of the method "dip".
void check_dip_flags(const DipFlags& flags, Scale scale);

/// The options for one photo ([1, C, h, w]); reads the mask. Throws UsageError, InputError, IoError.
dip::Options dip_options(const DipFlags& flags, const torch::Tensor& photo, Scale scale, const ReadLimits& limits);

/// For --mask auto: proposes what to fill in `photo` (a file) and writes the mask, and the photo with it in red, beside
/// it; returns the mask's path. Throws InputError when nothing was found, IoError.
std::filesystem::path write_proposed_mask(const std::filesystem::path& photo, const ReadLimits& limits,
                                          Overwrite overwrite, bool quiet);

/// Every effective setting, for records.
nlohmann::json to_json(const dip::Options& options);

}  // namespace zsr::cli
