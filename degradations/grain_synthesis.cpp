#include "core/error.h"
#include "core/normal_field.h"
#include "core/random.h"
#include "degradations/filter.h"
#include "degradations/grain.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

constexpr double kLargestGrowth = 8.0;
constexpr double kLargestStrength = 10.0;
constexpr int64_t kStripRows = 256;  // bounds the memory of a large photo; the result does not depend on it

// Keys' cubic convolution kernel (1981), a = -1/2.
double cubic(double x) {
  const double t = std::abs(x);
  if (t < 1.0) return 1.0 + t * t * (1.5 * t - 2.5);
  if (t < 2.0) return 2.0 + t * (-4.0 + t * (2.5 - 0.5 * t));
  return 0.0;
}

// The filter stretched by `size`, its squares summing to 1: [side, side] float32, side odd.
torch::Tensor stretched_filter(const GrainModel& model, double size) {
  const torch::Tensor filter =
      torch::tensor(at::ArrayRef<double>(model.filter.data(), model.filter.size()), torch::kFloat64)
          .view({kGrainFilterSide, kGrainFilterSide});
  constexpr int64_t kRadius = kGrainFilterSide / 2;
  const auto radius = static_cast<int64_t>(std::ceil(static_cast<double>(kRadius) * size));
  torch::Tensor stretch = torch::zeros({2 * radius + 1, kGrainFilterSide}, torch::kFloat64);
  auto weight = stretch.accessor<double, 2>();
  for (int64_t i = -radius; i <= radius; ++i) {
    for (int64_t j = -kRadius; j <= kRadius; ++j) {
      weight[i + radius][j + kRadius] = cubic(static_cast<double>(i) / size - static_cast<double>(j));
    }
  }
  const torch::Tensor result = torch::matmul(torch::matmul(stretch, filter), stretch.t());
  return (result / result.square().sum().sqrt()).to(torch::kFloat32);
}

// Symmetric A with A A' = covariance, [channels, channels].
torch::Tensor root_of_covariance(const GrainModel& model) {
  const torch::Tensor covariance =
      torch::tensor(at::ArrayRef<double>(model.covariance.data(), static_cast<size_t>(model.channels * model.channels)),
                    torch::kFloat64)
          .view({model.channels, model.channels});
  const auto [values, vectors] = torch::linalg_eigh(covariance, "L");
  return torch::matmul(vectors * values.clamp_min(0.0).sqrt(), vectors.t()).to(torch::kFloat32);
}

// Grain of unit luma variance for rows `first` to `last` of an image `width` wide: [1, C, rows, width]. Every row of
// white noise has its own seed.
torch::Tensor grain_rows(const std::vector<uint64_t>& seeds, int64_t first, int64_t last, int64_t width,
                         const torch::Tensor& filter, const torch::Tensor& root) {
  const int64_t channels = root.size(0);
  const int64_t margin = filter.size(0) / 2;
  const int64_t rows = last - first + 2 * margin;
  const int64_t columns = width + 2 * margin;
  torch::Tensor white = torch::empty({rows, channels, columns}, torch::kFloat32);
  float* const values = white.data_ptr<float>();
  for (int64_t y = 0; y < rows; ++y) {
    fill_normal(seeds[static_cast<size_t>(first + y)], values + y * channels * columns, channels * columns);
  }
  const torch::Tensor mixed = torch::matmul(root, white).permute({1, 0, 2}).unsqueeze(0).contiguous();
  // The border of the filtered rows is not random enough; it is cut off.
  return correlate(mixed, filter, {}, Border::kZero)
      .slice(2, margin, margin + last - first)
      .slice(3, margin, margin + width);
}

// `level_at` of every value of `luma`.
torch::Tensor levels_at(const GrainModel& model, const torch::Tensor& luma) {
  const torch::Tensor levels =
      torch::tensor(at::ArrayRef<double>(model.level.data(), model.level.size()), torch::kFloat64).to(torch::kFloat32);
  const torch::Tensor place =
      (luma * static_cast<double>(kGrainBins) - 0.5).clamp(0.0, static_cast<double>(kGrainBins - 1));
  const torch::Tensor low = place.floor().clamp_max(static_cast<double>(kGrainBins - 2));
  const torch::Tensor index = low.to(torch::kInt64);
  const torch::Tensor below = levels.take(index);
  return below + (levels.take(index + 1) - below) * (place - low);
}

torch::Tensor luma_plane(const torch::Tensor& x) {
  if (x.size(1) == 1) return x;
  return x.slice(1, 0, 1) * 0.299 + x.slice(1, 1, 2) * 0.587 + x.slice(1, 2, 3) * 0.114;
}

void check_range(const char* name, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw OptionError(fmt::format("grain {} = {:g}, must be {:g} to {:g}", name, value, low, high));
  }
}

}  // namespace

torch::Tensor add_grain(const torch::Tensor& image, const GrainModel& model, double strength, double scale,
                        uint64_t seed, double size) {
  check_range("strength", strength, 0.0, kLargestStrength);
  check_range("scale", scale, 1.0, 64.0);
  const double growth = size == 0.0 ? std::min(scale, kLargestGrainGrowth) : size;
  check_range("size", growth, 1.0, kLargestGrowth);
  const torch::NoGradGuard no_grad;
  const torch::Tensor filter = stretched_filter(model, growth);
  const torch::Tensor root = root_of_covariance(model);
  const int64_t height = image.size(2);
  std::vector<uint64_t> seeds(static_cast<size_t>(height + filter.size(0) - 1));
  uint64_t state = derive_seed(seed, "grain rows");
  for (uint64_t& row : seeds) row = splitmix64(state);

  torch::Tensor result = torch::empty_like(image, torch::MemoryFormat::Contiguous);
  for (int64_t first = 0; first < height; first += kStripRows) {
    const int64_t last = std::min(height, first + kStripRows);
    torch::Tensor grain = grain_rows(seeds, first, last, image.size(3), filter, root);
    if (image.size(1) == 1) grain = luma_plane(grain);
    const torch::Tensor strip = image.slice(2, first, last);
    const torch::Tensor level = levels_at(model, luma_plane(strip)) * (strength / 255.0);
    result.slice(2, first, last).copy_((strip + level * grain).clamp_(0.0, 1.0));
  }
  return result;
}

}  // namespace zsr
