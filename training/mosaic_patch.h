#pragma once

#include "core/random.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::training {

/// Pixels around a patch that demosaicing is given, so that its border does not count; a whole number of mosaic tiles.
inline constexpr int64_t kMosaicMargin = 8;

/// `hr` [3, H, W] as a sensor of 1 / `scale` as many pixels a side sees it, before its mosaic: by imresize, in [0, 1],
/// of no bit depth.
torch::Tensor small_version(const torch::Tensor& hr, int64_t scale);

/// What a demosaicing network sees of `hr` [3, H, W] (values in [0, 1], even sides) through an RGGB mosaic with noise
/// of standard deviation `noise` (1/255) at middle gray, in half of the cases stronger towards black or white:
/// [3 + kMosaicMaps, H, W], see networks::mosaic_input.
torch::Tensor mosaic_example(const torch::Tensor& hr, double noise, Random& random);

}  // namespace zsr::training
