#include "dip/fast/layers.h"
#include "dip/fast/packing.h"

#include <torch/types.h>

namespace zsr::dip {
namespace {

// Output pixels at a time: three rows of input, twice as wide, then stay in the second-level cache.
constexpr int64_t kHalvedStrip = 64;

// Input rows 2 y - 1 to 2 y + 1, columns 2 x - 1 to 2 (x + n) - 1, for n output pixels from (y, x) on; the row and the
// column before the first are the second ones.
void pack_window(const View& from, int64_t y, int64_t x, int64_t n, float* to, int64_t row_length) {
  const int64_t pixel = padded(from.image->shape.channels);
  for (int64_t tap = 0; tap < 3; ++tap) {
    const int64_t source = std::abs(2 * y - 1 + tap);
    float* const row = to + tap * row_length;
    pack(from, source, std::abs(2 * x - 1), 1, row);
    pack(from, source, 2 * x, 2 * n, row + pixel);
  }
}

}  // namespace

Sums Layers::halving(const View& from, const torch::Tensor& weight, Image& to) {
  const torch::Tensor matrices = taps_forward(weight);
  const float* const right = matrices.data_ptr<float>();
  const int64_t in = from.image->shape.channels;
  const int64_t pixel = padded(in);
  const int64_t columns = padded(to.shape.channels);
  const int64_t row_length = (2 * kHalvedStrip + 1) * pixel;
  scratch_.ready();
  SharedSums sums(to.shape.blocks());
  share_rows(to.shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const window = scratch_.get(thread, 0, 3 * row_length);
    float* const made = scratch_.get(thread, 1, kHalvedStrip * columns);
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < to.shape.width; x += kHalvedStrip) {
        const int64_t n = std::min(kHalvedStrip, to.shape.width - x);
        pack_window(from, y, x, n, window, row_length);
        for (int64_t tap = 0; tap < 9; ++tap) {
          kernels_.multiply(n, columns, in, window + tap / 3 * row_length + tap % 3 * pixel, 2 * pixel, 1,
                            right + tap * in * columns, made, tap > 0);
        }
        unpack(made, columns, n, to, y, x, thread, sums);
      }
    }
  });
  return sums.total();
}

void Layers::halving_gradient(const View& from, const torch::Tensor& weight, const Gradient& gradient,
                              torch::Tensor weight_gradient, Image* below) {
  halving_weight_gradient(from, gradient, std::move(weight_gradient));
  if (below != nullptr) halving_input_gradient(weight, gradient, *below);
}

void Layers::halving_weight_gradient(const View& from, const Gradient& gradient, torch::Tensor weight_gradient) {
  const ImageShape& shape = gradient.d->shape;
  const int64_t in = from.image->shape.channels;
  const int64_t pixel = padded(in);
  const int64_t columns = padded(shape.channels);
  const int64_t row_length = (2 * kHalvedStrip + 1) * pixel;
  scratch_.ready();
  const int64_t threads = share_rows(shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const window = scratch_.get(thread, 0, 3 * row_length);
    float* const errors = scratch_.get(thread, 1, kHalvedStrip * columns);
    float* const sum = scratch_.get(thread, 2, 9 * in * columns);
    std::fill_n(sum, 9 * in * columns, 0.0F);
    for (int64_t y = begin; y < end; ++y) {
      for (int64_t x = 0; x < shape.width; x += kHalvedStrip) {
        const int64_t n = std::min(kHalvedStrip, shape.width - x);
        pack_window(from, y, x, n, window, row_length);
        pack(gradient, y, x, n, errors);
        for (int64_t tap = 0; tap < 9; ++tap) {
          kernels_.multiply(in, columns, n, window + tap / 3 * row_length + tap % 3 * pixel, 1, 2 * pixel, errors,
                            sum + tap * in * columns, true);
        }
      }
    }
  });
  float* const to = weight_gradient.data_ptr<float>();
  for (int64_t o = 0; o < shape.channels; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        float value = 0.0F;
        for (int64_t thread = 0; thread < threads; ++thread) {
          value += scratch_.get(thread, 2, 0)[(tap * in + i) * columns + o];
        }
        to[(o * in + i) * 9 + tap] = value;
      }
    }
  }
}

// Input row i is seen by output row o through filter row k = i + 1 - 2 o; row 1 also through the mirrored row above the
// first (o = 0, k = 0). Columns likewise: even ones through the middle of the filter only, odd ones through both sides.
void Layers::halving_input_gradient(const torch::Tensor& weight, const Gradient& gradient, Image& below) {
  const torch::Tensor matrices = taps_backward(weight);
  const float* const right = matrices.data_ptr<float>();
  const ImageShape& shape = gradient.d->shape;
  const int64_t out = shape.channels;
  const int64_t pixel = padded(out);
  const int64_t columns = padded(below.shape.channels);
  const int64_t n = shape.width;
  scratch_.ready();
  share_rows(below.shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    float* const errors = scratch_.get(thread, 1, (n + 1) * pixel);
    float* const even = scratch_.get(thread, 2, n * columns);
    float* const odd = scratch_.get(thread, 3, n * columns);
    std::fill_n(errors + n * pixel, pixel, 0.0F);  // there is no output pixel beyond the last
    for (int64_t i = begin; i < end; ++i) {
      bool first = true;
      const auto through = [&](int64_t o, int64_t k) {
        pack(gradient, o, 0, n, errors);
        const auto tap = [&](int64_t column) { return right + (3 * k + column) * out * columns; };
        kernels_.multiply(n, columns, out, errors, pixel, 1, tap(1), even, !first);
        kernels_.multiply(n, columns, out, errors, pixel, 1, tap(2), odd, !first);
        kernels_.multiply(n, columns, out, errors + pixel, pixel, 1, tap(0), odd, true);
        kernels_.multiply(1, columns, out, errors, pixel, 1, tap(0), odd, true);
        first = false;
      };
      for (int64_t k = 0; k < 3; ++k) {
        const int64_t twice = i + 1 - k;
        if (twice >= 0 && twice % 2 == 0 && twice / 2 < shape.height) through(twice / 2, k);
      }
      if (i == 1) through(0, 0);
      for (int64_t block = 0; block < below.shape.blocks(); ++block) {
        float* const to = below.row(block, i);
        for (int64_t x = 0; x < n; ++x) {
          std::copy_n(even + x * columns + block * kBlock, kBlock, to + 2 * x * kBlock);
          std::copy_n(odd + x * columns + block * kBlock, kBlock, to + (2 * x + 1) * kBlock);
        }
      }
    }
  });
}

}  // namespace zsr::dip
