#pragma once

#include "cli/options.h"
#include "cli/size_flags.h"
#include "cli/upscale_job.h"

#include <memory>
#include <string>
#include <vector>

namespace zsr::cli {

/// The flags of `zsr upscale` as typed.
struct UpscaleFlags {
  std::vector<std::string> inputs;
  std::string output;
  std::string scale = "2";
  std::string method = "auto";
  std::string weights;
  std::string pca;
  std::string kernel_grid;
  std::string noise_map;
  bool circular = false;
  bool keep_colors = false;
  std::string time;
  std::string max_pixels = "200M";
  bool accept_damaged = false;
  bool keep_time = false;
  std::string name;
  SizeFlags size;
  std::string format;
  int64_t quality = 95;
  std::string depth = "auto";
  bool strip = false;
  bool force = false;
  bool no_record = false;
  std::string save_kernel;
  std::string loss_log;
  std::string task = "sr";  ///< "sr", or "old": fill scratches, restore and enlarge.
  RestoreFlags restore;
};

/// `with_method`: -m too, for the command that leaves the method open.
void add_upscale_flags(OptionSet& options, UpscaleFlags& flags, bool with_method);
void add_network_flags(OptionSet& options, UpscaleFlags& flags);

/// The network of --weights, null for the methods without. Throws UsageError and InputError.
std::shared_ptr<const Trained> find_trained(const UpscaleFlags& flags);

/// All flags together as settings, checked against each other. Throws UsageError.
UpscaleSettings resolve(const UpscaleFlags& flags, const ZssrFlags& zssr, const DipFlags& dip,
                        const CommonFlags& common, std::shared_ptr<const Trained> trained);

/// Whether --task says that the photo is an old one, so that the restoration is wanted. Throws UsageError for unknown
/// tasks and for a method that --task does not go with.
bool is_old_photo(const UpscaleFlags& flags, const OptionSet& given);

}  // namespace zsr::cli
