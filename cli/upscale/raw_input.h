#pragma once

#include "cli/upscale/upscale_job.h"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace zsr::cli {

/// A camera raw file as `zsr upscale` takes it.
struct RawInput {
  Photo photo;
  nlohmann::json record;     ///< As of pipeline::develop.
  UpscaleSettings settings;  ///< With the noise that is left, where the user named none.
  /// The mosaic was enlarged while it was demosaiced; `settings` are those that leave the photo as it is.
  bool is_enlarged = false;
};

/// Develops `input` in sRGB; Bayer mosaics at twice their size where x2 is asked for and the method is left open. The
/// noise of the raw values is taken out while it is demosaiced, so that the methods are given none; trained networks
/// that are conditioned on noise, when the user names one, get the photo with its noise and the noise level. Throws as
/// pipeline::develop.
RawInput read_raw_input(const std::filesystem::path& input, const UpscaleSettings& settings);

}  // namespace zsr::cli
