#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// How an image continues beyond its edge.
enum class Border {
  kSymmetric,  ///< Mirrored, the edge pixel repeated: scipy "reflect", MATLAB "symmetric".
  kReflect,    ///< Mirrored about the edge pixel: scipy "mirror", OpenCV REFLECT_101, PyTorch "reflect".
  kReplicate,  ///< The edge pixel for ever: scipy "nearest", MATLAB "replicate".
  kWrap,       ///< Periodic: scipy "wrap", MATLAB "circular".
  kZero,       ///< Black.
};

/// Every `stride`-th pixel of the correlation, beginning at pixel `offset`.
struct Sampling {
  int64_t stride_y = 1;
  int64_t stride_x = 1;
  int64_t offset_y = 0;
  int64_t offset_x = 0;
};

/// Correlation of every channel with `weights` [h, w], anchor at size / 2:
///     out(i) = sum_j weights(j) * image(stride * i + offset + j - anchor),   ceil((size - offset) / stride) pixels.
/// `image` [N, C, H, W] float32 or float64, any device; differentiable in the image and, where `weights` asks for it,
/// in the weights. Float32 images on the CPU that need no gradient go through a vector kernel, in two passes where the
/// weights are the product of a column and a row.
torch::Tensor correlate(const torch::Tensor& image, const torch::Tensor& weights, Sampling sampling = {},
                        Border border = Border::kSymmetric);

/// `image` continued by the given numbers of pixels.
torch::Tensor pad_image(const torch::Tensor& image, int64_t top, int64_t bottom, int64_t left, int64_t right,
                        Border border);

}  // namespace zsr
