#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// [1, C, H, W] float32 CPU in [0, 1] through a JPEG (libjpeg-turbo by OpenCV: 4:2:0, the standard tables) or WebP file
/// in memory and back; rounded to 8 bits on the way. `quality` 1 to 100, else OptionError.
torch::Tensor jpeg_round_trip(const torch::Tensor& image, int64_t quality);
torch::Tensor webp_round_trip(const torch::Tensor& image, int64_t quality);

/// What OpenCV's resize makes of it (no antialiasing for linear and cubic; cubic a = -0.75): the resampling by which
/// BSRGAN defines its recipe. [1, C, H, W] float32 CPU.
enum class OpenCvResize { kLinear = 1, kCubic = 2, kArea = 3 };
torch::Tensor opencv_resize(const torch::Tensor& image, int64_t height, int64_t width, OpenCvResize method);

}  // namespace zsr
