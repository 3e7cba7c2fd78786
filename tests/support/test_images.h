#pragma once

#include <torch/types.h>

namespace zsr::test {

/// Smooth random colour texture, [1, C, H, W] float64 in [0, 1]; the same for the same arguments.
torch::Tensor texture(int64_t channels, int64_t height, int64_t width, uint64_t seed = 1);

/// Independent random samples, multiples of 1/255.
torch::Tensor random_bytes(int64_t channels, int64_t height, int64_t width, uint64_t seed = 1);

/// Waves of many lengths in three channels, [1, 3, 200, 300] float64, whole multiples of 1/255 by formula, so that
/// scripts in other languages can make the same picture.
torch::Tensor waves_and_rings();

/// Squares of random grays and sizes at random angles: edges as sharp as pixels allow. [1, 1, side, side] float32.
torch::Tensor squares(int64_t side, uint64_t seed);

/// A blur kernel's weights, 4 x 5 float64, that no flip or turn leaves alone; they sum to 165.
torch::Tensor lopsided();

/// Largest absolute difference; infinity when the shapes differ.
double max_difference(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace zsr::test
