#pragma once

#include "nn/kernels/winograd/kernels.h"

#include <torch/types.h>

namespace zsr::winograd {

/// Copies [N, C, H, W] float32, the pixels of a row beside each other, into an image of Note [Winograd layout] whose
/// borders are zero already.
void to_blocked(const torch::Tensor& from, float* to, const ImageShape& shape);

/// The way back: [N, C, H, W].
torch::Tensor from_blocked(const float* from, const ImageShape& shape);

/// Undoes Epilogue::shuffle: the image `from` of shape `to_shape.shuffled(s)` as the convolution's output `to`.
void unshuffle(const float* from, float* to, const ImageShape& to_shape, int64_t s);

/// to[i] = a[i] + b[i].
void add_images(const float* a, const float* b, float* to, int64_t count);

/// gradient[i] = 0 where activation[i] <= 0: a closed ReLU.
void close(float* gradient, const float* activation, int64_t count);

}  // namespace zsr::winograd
