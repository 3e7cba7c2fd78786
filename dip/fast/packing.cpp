#include "dip/fast/packing.h"

#include "dip/fast/rows.h"

#include <torch/types.h>

namespace zsr::dip {

torch::Tensor taps_forward(const torch::Tensor& weight) {
  const int64_t out = weight.size(0);
  return torch::constant_pad_nd(weight.permute({2, 3, 1, 0}).flatten(0, 1), {0, padded(out) - out}).contiguous();
}

torch::Tensor taps_backward(const torch::Tensor& weight) {
  const int64_t in = weight.size(1);
  return torch::constant_pad_nd(weight.permute({2, 3, 0, 1}).flatten(0, 1), {0, padded(in) - in}).contiguous();
}

void pack(const View& from, int64_t y, int64_t x, int64_t n, float* to) {
  const int64_t blocks = from.image->shape.blocks();
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t at = block * kBlock;
    pack_row(from.image->row(block, y) + x * kBlock, n, from.norm != nullptr ? from.norm->scale.data() + at : nullptr,
             from.norm != nullptr ? from.norm->shift.data() + at : nullptr, to + at, blocks * kBlock);
  }
}

void pack(const Gradient& from, int64_t y, int64_t x, int64_t n, float* to) {
  const int64_t blocks = from.d->shape.blocks();
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t at = block * kBlock;
    pack_gradient_row(from.d->row(block, y) + x * kBlock, from.y->row(block, y) + x * kBlock, n, from.a.data() + at,
                      from.b.data() + at, from.c.data() + at, to + at, blocks * kBlock);
  }
}

void unpack(const float* from, int64_t stride, int64_t n, Image& to, int64_t y, int64_t x, int64_t thread,
            SharedSums& sums) {
  for (int64_t block = 0; block < to.shape.blocks(); ++block) {
    float first[kBlock] = {};
    float second[kBlock] = {};
    unpack_row(from + block * kBlock, stride, n, to.row(block, y) + x * kBlock, first, second);
    sums.add(thread, block, first, second);
  }
}

}  // namespace zsr::dip
