#pragma once

#include "raw/demosaic.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::networks {

/// Maps of Condition::kMosaic: the mosaic's own samples, and ten times the standard deviation of their
/// noise.
inline constexpr int64_t kMosaicMaps = 2;

/// What the demosaicing network sees of a mosaic in [0, 1]: the closed-form method's red, green and blue
/// (raw::demosaic), then the maps: [1, 3 + kMosaicMaps, H, W] float32. `estimate`: that method's result.
torch::Tensor mosaic_input(const raw::Mosaic& mosaic, const raw::Rgb& estimate);

/// A plane as [1, 1, H, W] float32, and planes as [1, 3, H, W].
torch::Tensor tensor_of(const raw::Plane& plane);
torch::Tensor tensor_of(const raw::Rgb& rgb);
/// The other way round, of [1, 3, H, W] or [3, H, W] float32.
raw::Rgb rgb_of(const torch::Tensor& image);

}  // namespace zsr::networks
