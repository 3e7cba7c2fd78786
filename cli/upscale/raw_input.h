#pragma once

#include "cli/upscale/upscale_job.h"
#include "pipeline/develop.h"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace zsr::cli {

/// A camera raw file as `zsr upscale` takes it.
struct RawInput {
  pipeline::Developed developed;
  UpscaleSettings settings;  ///< With the noise that is left, where the user named none; scale 1 if is_enlarged().
  /// Whether the mosaic was enlarged while it was demosaiced.
  bool is_enlarged() const { return developed.record.value("scale", 1) > 1; }
};

/// Develops `input` in sRGB; Bayer mosaics at twice their size where x2 is asked for and the method is left open. The
/// noise of the raw values is taken out while it is demosaiced, so that the methods are given none; trained networks
/// that are conditioned on noise, when the user names one, get the photo with its noise and the noise level. Throws as
/// pipeline::develop.
RawInput read_raw_input(const std::filesystem::path& input, const UpscaleSettings& settings);

}  // namespace zsr::cli
