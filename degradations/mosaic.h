#pragma once

#include "degradations/step.h"
#include "raw/dng.h"

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// What a sensor writes of `image` [1, 1 or 3, H, W] float32 in [0, 1], encoded by sRGB's curve: linear light, each
/// colour divided by its gain, one colour a pixel, shot and read noise (variance shot * x + read^2), whole levels
/// between black and white. [1, 1, H, W] float32, 0 black and 1 white; noise may fall below 0 as far as the black level
/// allows. Throws OptionError for levels and gains out of range.
torch::Tensor sensor_mosaic(const torch::Tensor& image, const MosaicStep& step);

/// The mosaic that a list of steps ends with; empty where they make a photo.
std::optional<MosaicStep> final_mosaic(const std::vector<Step>& steps);

/// `mosaic` [1, 1, H, W], as `sensor_mosaic` made it by `step`, as the bytes of a DNG file.
std::string mosaic_dng(const torch::Tensor& mosaic, const MosaicStep& step);

}  // namespace zsr
