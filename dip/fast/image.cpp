#include "dip/fast/image.h"

#include "dip/fast/parallel.h"
#include "dip/fast/rows.h"

#include <torch/types.h>

#include <cmath>

namespace zsr::dip {
namespace {

constexpr double kEpsilon = 1e-5;

// body(thread, block, y) for every row of every block.
template <typename Body>
void each_row(const ImageShape& shape, const Body& body) {
  share_rows(shape.blocks() * shape.height, [&](int64_t thread, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(thread, i / shape.height, i % shape.height);
  });
}

}  // namespace

Image::Image(int64_t channels, int64_t height, int64_t width)
    : shape{1, channels, height, width}, data(torch::zeros({shape.size()}, torch::kFloat32)) {}

void reflect_border(Image& image) {
  const ImageShape& shape = image.shape;
  const int64_t stride = shape.row_stride();
  share_rows(shape.blocks(), [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      for (int64_t y = 0; y < shape.height; ++y) {
        float* const row = image.row(block, y);
        std::copy_n(row + kBlock, kBlock, row - kBlock);
        std::copy_n(row + (shape.width - 2) * kBlock, kBlock, row + shape.width * kBlock);
      }
      float* const top = image.row(block, 0) - kBlock;
      float* const bottom = image.row(block, shape.height - 1) - kBlock;
      const int64_t count = (shape.width + 2) * kBlock;
      std::copy_n(top + stride, count, top - stride);
      std::copy_n(bottom - stride, count, bottom + stride);
    }
  });
}

Sums sums_of(const Image& image) {
  SharedSums sums(image.shape.blocks());
  each_row(image.shape, [&](int64_t thread, int64_t block, int64_t y) {
    float first[kBlock] = {};
    float second[kBlock] = {};
    sum_row(image.row(block, y), image.shape.width, first, second);
    sums.add(thread, block, first, second);
  });
  return sums.total();
}

Norm norm_of(const Sums& sums, double count, const torch::Tensor& gain, const torch::Tensor& shift) {
  Norm norm;
  const size_t length = sums.first.size();
  norm.scale.assign(length, 0.0F);
  norm.shift.assign(length, 0.0F);
  norm.mean.assign(length, 0.0);
  norm.inverse_deviation.assign(length, 0.0);
  norm.count = count;
  const float* const gains = gain.data_ptr<float>();
  const float* const shifts = shift.data_ptr<float>();
  for (int64_t c = 0; c < gain.numel(); ++c) {
    const auto at = static_cast<size_t>(c);
    const double mean = sums.first[at] / count;
    const double variance = std::max(0.0, sums.second[at] / count - mean * mean);
    const double inverse = 1.0 / std::sqrt(variance + kEpsilon);
    norm.mean[at] = mean;
    norm.inverse_deviation[at] = inverse;
    norm.scale[at] = static_cast<float>(gains[c] * inverse);
    norm.shift[at] = static_cast<float>(shifts[c] - gains[c] * inverse * mean);
  }
  return norm;
}

Gradient norm_gradient(const Norm& norm, const Sums& sums, const torch::Tensor& gain, const Image& d, const Image& y,
                       torch::Tensor gain_gradient, torch::Tensor shift_gradient) {
  Gradient gradient{&d, &y, norm.scale, norm.scale, norm.scale};
  float* const to_gain = gain_gradient.data_ptr<float>();
  float* const to_shift = shift_gradient.data_ptr<float>();
  const float* const gains = gain.data_ptr<float>();
  for (int64_t c = 0; c < gain.numel(); ++c) {
    const auto at = static_cast<size_t>(c);
    const double inverse = norm.inverse_deviation[at];
    const double of_shift = sums.first[at];
    const double of_gain = (sums.second[at] - norm.mean[at] * of_shift) * inverse;
    to_gain[c] = static_cast<float>(of_gain);
    to_shift[c] = static_cast<float>(of_shift);
    const double scale = gains[c] * inverse;
    const double slope = -scale * inverse * of_gain / norm.count;
    gradient.b[at] = static_cast<float>(slope);
    gradient.c[at] = static_cast<float>(-scale * of_shift / norm.count - slope * norm.mean[at]);
  }
  return gradient;
}

void apply(const Gradient& gradient, Image& d) {
  each_row(d.shape, [&](int64_t, int64_t block, int64_t y) {
    const int64_t at = block * kBlock;
    apply_norm_gradient_row(d.row(block, y), gradient.y->row(block, y), d.shape.width, gradient.a.data() + at,
                            gradient.b.data() + at, gradient.c.data() + at);
  });
}

void activate(const View& from, Image& to) {
  each_row(to.shape, [&](int64_t, int64_t block, int64_t y) {
    const int64_t at = block * kBlock;
    pack_row(from.image->row(block, y), to.shape.width, from.norm->scale.data() + at, from.norm->shift.data() + at,
             to.row(block, y), kBlock);
  });
}

Sums close(const View& of, Image& d) {
  SharedSums sums(d.shape.blocks());
  each_row(d.shape, [&](int64_t thread, int64_t block, int64_t y) {
    const int64_t at = block * kBlock;
    float first[kBlock] = {};
    float second[kBlock] = {};
    close_row(d.row(block, y), kBlock, of.image->row(block, y), d.shape.width, of.norm->scale.data() + at,
              of.norm->shift.data() + at, false, d.row(block, y), first, second);
    sums.add(thread, block, first, second);
  });
  return sums.total();
}

}  // namespace zsr::dip
