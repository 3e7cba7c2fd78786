#pragma once

#include "core/conv/winograd/kernels.h"

#include <torch/types.h>

namespace zsr::winograd {

/// Copies [N, C, H, W] float32 contiguous into an image of Note [Winograd layout] whose borders are zero already.
void to_blocked(const torch::Tensor& from, float* to, const ImageShape& shape);

/// The way back: [N, C, H, W].
torch::Tensor from_blocked(const float* from, const ImageShape& shape);

/// gradient[i] = 0 where activation[i] <= 0: a closed ReLU.
void close(float* gradient, const float* activation, int64_t count);

}  // namespace zsr::winograd
