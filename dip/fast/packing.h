#pragma once

#include "dip/fast/image.h"
#include "dip/fast/parallel.h"

#include <torch/types.h>

namespace zsr::dip {

/// Channels rounded up to whole blocks.
inline int64_t padded(int64_t channels) {
  return (channels + kBlock - 1) / kBlock * kBlock;
}

/// [out, in, k, k] -> [k k, in, out rounded up]: matrices that take packed pixels through the convolution.
torch::Tensor taps_forward(const torch::Tensor& weight);
/// [out, in, k, k] -> [k k, out, in rounded up]: those that take gradients back.
torch::Tensor taps_backward(const torch::Tensor& weight);

/// Packs `n` pixels of row `y` from column `x` on, as they are seen.
void pack(const View& from, int64_t y, int64_t x, int64_t n, float* to);
void pack(const Gradient& from, int64_t y, int64_t x, int64_t n, float* to);

/// The way back for `n` packed pixels of `stride` numbers, with the sums of the values and of their squares.
void unpack(const float* from, int64_t stride, int64_t n, Image& to, int64_t y, int64_t x, int64_t thread,
            SharedSums& sums);

}  // namespace zsr::dip
