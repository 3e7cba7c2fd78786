#include "dip/fast/layers.h"
#include "dip/fast/packing.h"

#include <torch/types.h>

namespace zsr::dip {

void Layers::same(Image& from, const torch::Tensor& weight, Image& to) {
  reflect_border(from);
  convolver_.convolve(from.values(), from.shape, weight, false, to.values(), to.shape, {});
}

void Layers::same_gradient(const Image& from, const torch::Tensor& weight, const Image& gradient,
                           torch::Tensor weight_gradient, Image* below) {
  convolver_.accumulate_gradients(from.values(), from.shape, gradient.values(), gradient.shape, weight_gradient,
                                  nullptr);
  if (below == nullptr) return;
  convolver_.convolve(gradient.values(), gradient.shape, weight, true, below->values(), below->shape, {});
  fold_border(gradient, weight, *below);
}

// What the output owes to the mirrored pixels goes to those that they are copies of: the line above the first to the
// second, and so on.
void Layers::fold_border(const Image& gradient, const torch::Tensor& weight, Image& below) {
  const torch::Tensor matrices = taps_backward(weight);
  const ImageShape& shape = gradient.shape;
  const int64_t out = shape.channels;
  const int64_t pixel = padded(out);
  const int64_t columns = padded(below.shape.channels);
  const View errors{&gradient, nullptr};
  const auto tap = [&](int64_t y, int64_t x) { return matrices.data_ptr<float>() + (3 * y + x) * out * columns; };
  scratch_.ready();
  const auto add = [&](const float* line, int64_t y, int64_t x) {
    for (int64_t block = 0; block < below.shape.blocks(); ++block) {
      float* const to = below.row(block, y) + x * kBlock;
      for (int64_t c = 0; c < kBlock; ++c) to[c] += line[block * kBlock + c];
    }
  };

  const int64_t longest = std::max(shape.width, shape.height);
  float* const packed = scratch_.get(0, 0, (longest + 4) * pixel);
  float* const line = scratch_.get(0, 1, (longest + 2) * columns);
  // The rows above and below the image, their corners included: pixel t of the line is column t - 1.
  for (const bool top : {true, false}) {
    const int64_t n = shape.width;
    std::fill_n(packed, 2 * pixel, 0.0F);
    std::fill_n(packed + (n + 2) * pixel, 2 * pixel, 0.0F);
    pack(errors, top ? 0 : shape.height - 1, 0, n, packed + 2 * pixel);
    for (int64_t k = 0; k < 3; ++k) {
      kernels_.multiply(n + 2, columns, out, packed + (2 - k) * pixel, pixel, 1, tap(top ? 0 : 2, k), line, k > 0);
    }
    const int64_t y = top ? 1 : shape.height - 2;
    for (int64_t t = 0; t < n + 2; ++t) {
      const int64_t x = t == 0 ? 1 : t == n + 1 ? n - 2 : t - 1;
      add(line + t * columns, y, x);
    }
  }
  for (const bool left : {true, false}) {
    const int64_t n = shape.height;
    std::fill_n(packed, pixel, 0.0F);
    std::fill_n(packed + (n + 1) * pixel, pixel, 0.0F);
    for (int64_t y = 0; y < n; ++y) pack(errors, y, left ? 0 : shape.width - 1, 1, packed + (y + 1) * pixel);
    for (int64_t k = 0; k < 3; ++k) {
      // Row y of the column is seen by output row y + 1 - k.
      kernels_.multiply(n, columns, out, packed + (2 - k) * pixel, pixel, 1, tap(k, left ? 0 : 2), line, k > 0);
    }
    for (int64_t y = 0; y < n; ++y) add(line + y * columns, y, left ? 1 : shape.width - 2);
  }
}

}  // namespace zsr::dip
