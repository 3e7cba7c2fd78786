#pragma once

#include <torch/types.h>

#include <array>

namespace zsr {

/// Row-major 3x3 matrix acting on (x, y, 1).
using Affine = std::array<double, 9>;

/// a * b.
Affine multiply(const Affine& a, const Affine& b);

/// Crop of `height` x `width` pixels of `image` ([1, C, H, W] float32) after the transform `forward`, which maps input
/// pixel coordinates to output ones. Bicubic as OpenCV's INTER_CUBIC (a = -0.75, 1/32 pixel steps), zero outside the
/// image: the warp of the reference ZSSR code. Result on the CPU.
torch::Tensor warp_affine(const torch::Tensor& image, const Affine& forward, int64_t height, int64_t width);

}  // namespace zsr
