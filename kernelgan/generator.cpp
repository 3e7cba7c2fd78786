#include "kernelgan/generator.h"

#include "nn/kernels/small_product.h"

#include <torch/types.h>

#include <algorithm>
#include <type_traits>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kWidth = 64;
constexpr double kInitGain = 0.1;

// The layers as they lie one behind the other.
struct Layer {
  int64_t in;
  int64_t side;
};
constexpr std::array<Layer, 6> kLayers = {{{1, 7}, {kWidth, 5}, {kWidth, 3}, {kWidth, 1}, {kWidth, 1}, {kWidth, 1}}};

constexpr int64_t out_of(size_t layer) {
  return layer + 1 == kLayers.size() ? 1 : kWidth;
}

constexpr int64_t start_of(size_t layer) {
  int64_t at = 0;
  for (size_t i = 0; i < layer; ++i) at += out_of(i) * kLayers[i].in * kLayers[i].side * kLayers[i].side;
  return at;
}

std::vector<std::vector<int64_t>> shapes() {
  std::vector<std::vector<int64_t>> all;
  for (size_t i = 0; i < kLayers.size(); ++i) {
    all.push_back({out_of(i), kLayers[i].in, kLayers[i].side, kLayers[i].side});
  }
  return all;
}

// What a transposed convolution spreads is the full convolution of two kernels: products of each tap [below] with each
// tap [above], added up at their places. Sides of the kernels below and above the seam, and of what they make.
struct Seam {
  int64_t below;
  int64_t above;
  constexpr int64_t side() const { return below + above - 1; }
};
constexpr Seam kMiddle{3, 5};
constexpr Seam kInner{7, 7};
constexpr int64_t kInnerTaps = 49;
constexpr int64_t kMiddleColumns = kWidth * 25;

// Calls visit(row of the products, where its taps are added up from): one row for each tap below.
template <class Visit>
void each_tap(const Seam& seam, Visit visit) {
  for (int64_t y = 0; y < seam.below; ++y) {
    for (int64_t x = 0; x < seam.below; ++x) visit(y * seam.below + x, y * seam.side() + x);
  }
}

template <class Real>
void add_taps(const Seam& seam, const Real* taps, Real* corner) {
  for (int64_t y = 0; y < seam.above; ++y) {
    for (int64_t x = 0; x < seam.above; ++x) corner[y * seam.side() + x] += taps[y * seam.above + x];
  }
}

template <class Real>
void fetch_taps(const Seam& seam, const Real* corner, Real* taps) {
  for (int64_t y = 0; y < seam.above; ++y) std::copy_n(corner + y * seam.side(), seam.above, taps + y * seam.above);
}

}  // namespace

template <class Real>
Generator<Real>::Generator(Random& random)
    : parameters_(shapes(), std::is_same_v<Real, float> ? torch::kFloat32 : torch::kFloat64) {
  for (size_t i = 0; i < parameters_.leaves().size(); ++i) parameters_.xavier_normal(i, kInitGain, random);
}

template <class Real>
void Generator<Real>::compose(Composition& made) const {
  const Real* const w = parameters_.data<Real>();
  made.row4.resize(kWidth);
  made.row3.resize(kWidth);
  made.outer.resize(kWidth * 9);
  made.scratch.resize(9 * kMiddleColumns);
  made.inner.assign(kWidth * kWidth, 0);
  // The three 1 x 1 layers are a row vector times two matrices.
  small_product(1, kWidth, kWidth, w + start_of(5), {kWidth, 1}, w + start_of(4), made.row4.data());
  small_product(1, kWidth, kWidth, made.row4.data(), {kWidth, 1}, w + start_of(3), made.row3.data());
  small_product(1, kWidth * 9, kWidth, made.row3.data(), {kWidth, 1}, w + start_of(2), made.outer.data());

  Real* const products = made.scratch.data();
  small_product(9, kMiddleColumns, kWidth, made.outer.data(), {1, 9}, w + start_of(1), products);
  made.middle.assign(kWidth * kInnerTaps, 0);
  each_tap(kMiddle, [&](int64_t row, int64_t corner) {
    for (int64_t c = 0; c < kWidth; ++c) {
      add_taps(kMiddle, products + row * kMiddleColumns + c * 25, made.middle.data() + c * kInnerTaps + corner);
    }
  });
  for (int64_t c = 0; c < kWidth; ++c) std::copy_n(w + c * kInnerTaps, kInnerTaps, made.inner.data() + c * kWidth);
  small_product(kInnerTaps, kWidth, kWidth, made.middle.data(), {1, kInnerTaps}, made.inner.data(), products);
  made.kernel.fill(0);
  each_tap(kInner, [&](int64_t row, int64_t corner) {
    add_taps(kInner, products + row * kWidth, made.kernel.data() + corner);
  });
}

template <class Real>
void Generator<Real>::gradient(Composition& made, std::span<const Real, kKernelCount> kernel_gradient,
                               std::span<Real> flat) const {
  const Real* const w = parameters_.data<Real>();
  Real* const columns = made.scratch.data();
  std::array<Real, kWidth * kWidth> inner;
  std::array<Real, kWidth * kInnerTaps> middle;
  std::fill_n(columns, kInnerTaps * kWidth, Real{0});
  each_tap(kInner, [&](int64_t row, int64_t corner) {
    fetch_taps(kInner, kernel_gradient.data() + corner, columns + row * kWidth);
  });
  small_product(kWidth, kWidth, kInnerTaps, made.middle.data(), {kInnerTaps, 1}, columns, inner.data());
  for (int64_t c = 0; c < kWidth; ++c) std::copy_n(inner.data() + c * kWidth, kInnerTaps, flat.data() + c * kInnerTaps);
  small_product_transposed(kWidth, kInnerTaps, kWidth, made.inner.data(), columns, middle.data());

  each_tap(kMiddle, [&](int64_t row, int64_t corner) {
    for (int64_t c = 0; c < kWidth; ++c) {
      fetch_taps(kMiddle, middle.data() + c * kInnerTaps + corner, columns + row * kMiddleColumns + c * 25);
    }
  });
  std::array<Real, kWidth * 9> outer;
  small_product(kWidth, kMiddleColumns, 9, made.outer.data(), {9, 1}, columns, flat.data() + start_of(1));
  small_product_transposed(kWidth, 9, kMiddleColumns, w + start_of(1), columns, outer.data());

  std::array<Real, kWidth> row3;
  std::array<Real, kWidth> row4;
  Real* const row5 = flat.data() + start_of(5);
  small_product(kWidth, kWidth * 9, 1, made.row3.data(), {1, 1}, outer.data(), flat.data() + start_of(2));
  small_product_transposed(1, kWidth, kWidth * 9, outer.data(), w + start_of(2), row3.data());
  small_product(kWidth, kWidth, 1, made.row4.data(), {1, 1}, row3.data(), flat.data() + start_of(3));
  small_product_transposed(1, kWidth, kWidth, row3.data(), w + start_of(3), row4.data());
  small_product(kWidth, kWidth, 1, w + start_of(5), {1, 1}, row4.data(), flat.data() + start_of(4));
  small_product_transposed(1, kWidth, kWidth, row4.data(), w + start_of(4), row5);
}

template <class Real>
void GeneratorPatch<Real>::take(const torch::Tensor& photo, int64_t top, int64_t left) {
  channels_ = photo.size(1);
  planes_.assign(static_cast<size_t>(channels_ * kGeneratorPatch * kGeneratorPatch + kOverrun), 0);
  const int64_t width = photo.size(3);
  Real* out = planes_.data();
  for (int64_t c = 0; c < channels_; ++c) {
    const Real* const from = photo.data_ptr<Real>() + c * photo.size(2) * width;
    for (int64_t y = 0; y < kGeneratorPatch; ++y, out += kGeneratorPatch) {
      const Real* const row = from + (top + y) * width + left;
      for (int64_t x = 0; x < kHalfRow; ++x) {
        out[x] = row[2 * x];
        out[kHalfRow + x] = row[2 * x + 1];
      }
    }
  }
}

template <class Real>
void GeneratorPatch<Real>::shrink(std::span<const Real, kKernelCount> kernel, std::span<Real> out) const {
  for (int64_t c = 0; c < channels_; ++c) shrink_plane(plane(c), kernel.data(), out.data() + c * kOutputCount);
}

template <class Real>
std::array<Real, kKernelCount> GeneratorPatch<Real>::kernel_gradient(std::span<const Real> output_gradient) const {
  std::array<Real, kKernelCount> sums{};
  for (int64_t c = 0; c < channels_; ++c) {
    shrink_plane_back(plane(c), output_gradient.data() + c * kOutputCount, sums.data());
  }
  return sums;
}

template class Generator<float>;
template class Generator<double>;
template class GeneratorPatch<float>;
template class GeneratorPatch<double>;

}  // namespace zsr::kernelgan
