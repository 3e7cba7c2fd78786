#include "dip/fast/layers.h"
#include "dip/fast/packing.h"
#include "dip/fast/rows.h"

#include <torch/types.h>

namespace zsr::dip {
namespace {

// Pixels at a time: packed input and output then stay in the second-level cache.
constexpr int64_t kStrip = 128;

template <typename Body>
void strips(int64_t width, const Body& body) {
  for (int64_t x = 0; x < width; x += kStrip) body(x, std::min(kStrip, width - x));
}

}  // namespace

Sums Layers::pointwise(const View& from, const torch::Tensor& weight, Image& to) {
  const torch::Tensor matrix = taps_forward(weight);
  const float* const right = matrix.data_ptr<float>();
  const int64_t in = from.image->shape.channels;
  const int64_t row = padded(in);
  const int64_t columns = padded(to.shape.channels);
  scratch_.ready();
  SharedSums sums(to.shape.blocks());
  share_rows(to.shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const packed = scratch_.get(thread, 0, kStrip * row);
    float* const made = scratch_.get(thread, 1, kStrip * columns);
    for (int64_t y = begin; y < end; ++y) {
      strips(to.shape.width, [&](int64_t x, int64_t n) {
        pack(from, y, x, n, packed);
        kernels_.multiply(n, columns, in, packed, row, 1, right, made, false);
        unpack(made, columns, n, to, y, x, thread, sums);
      });
    }
  });
  return sums.total();
}

Sums Layers::pointwise_gradient(const View& from, const torch::Tensor& weight, const Gradient& gradient,
                                torch::Tensor weight_gradient, Image* below, bool add) {
  const torch::Tensor matrix = taps_backward(weight);
  const float* const right = matrix.data_ptr<float>();
  const ImageShape& shape = from.image->shape;
  const int64_t in = shape.channels;
  const int64_t out = gradient.d->shape.channels;
  const int64_t row = padded(in);
  const int64_t columns = padded(out);
  scratch_.ready();
  SharedSums sums(shape.blocks());
  const int64_t threads = share_rows(shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const packed = scratch_.get(thread, 0, kStrip * row);
    float* const errors = scratch_.get(thread, 1, kStrip * columns);
    float* const back = scratch_.get(thread, 2, kStrip * row);
    float* const sum = scratch_.get(thread, 3, in * columns);
    std::fill_n(sum, in * columns, 0.0F);
    for (int64_t y = begin; y < end; ++y) {
      strips(shape.width, [&](int64_t x, int64_t n) {
        pack(from, y, x, n, packed);
        pack(gradient, y, x, n, errors);
        kernels_.multiply(in, columns, n, packed, 1, row, errors, sum, true);
        if (below == nullptr) return;
        kernels_.multiply(n, row, out, errors, columns, 1, right, back, false);
        for (int64_t block = 0; block < shape.blocks(); ++block) {
          float first[kBlock] = {};
          float second[kBlock] = {};
          const int64_t at = block * kBlock;
          close_row(back + at, row, from.image->row(block, y) + x * kBlock, n, from.norm->scale.data() + at,
                    from.norm->shift.data() + at, add, below->row(block, y) + x * kBlock, first, second);
          sums.add(thread, block, first, second);
        }
      });
    }
  });
  float* const to = weight_gradient.data_ptr<float>();
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      float value = 0.0F;
      for (int64_t thread = 0; thread < threads; ++thread) value += scratch_.get(thread, 3, 0)[i * columns + o];
      to[o * in + i] = value;
    }
  }
  return sums.total();
}

}  // namespace zsr::dip
