#pragma once

#include "image/photo_codec.h"

#include <torch/types.h>

namespace zsr {

/// Interleaved samples as planes, [1, bands, H, W] float32, in [0, 1] but for those that are floats already.
torch::Tensor planes_of(const PixelBuffer& pixels);

/// The way back: values are clamped to [0, 1] and rounded half up to `bit_depth`, 8 or 16, bits.
PixelBuffer pixels_of(const torch::Tensor& image, int bit_depth);

}  // namespace zsr
