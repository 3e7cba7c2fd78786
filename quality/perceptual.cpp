#include "quality/perceptual.h"

#include "core/error.h"
#include "image/color.h"
#include "image/metrics.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <limits>

namespace zsr {
namespace {

torch::Tensor luma_of(const torch::Tensor& image) {
  return luma(image.to(torch::kFloat64));
}

// Means of 2 x 2 pixels; an odd last line counts twice.
torch::Tensor halved(const torch::Tensor& image) {
  const torch::Tensor even = torch::replication_pad2d(image, {0, image.size(3) % 2, 0, image.size(2) % 2});
  return torch::avg_pool2d(even, 2);
}

// Energy of what `image` loses when it is made smaller by `factor` and cubic-enlarged again, averaged.
torch::Tensor lost_energy(const torch::Tensor& image, double factor) {
  const Size size{image.size(2), image.size(3)};
  const torch::Tensor small = imresize(image, {1.0 / factor, 1.0 / factor});
  const torch::Tensor lost = image - imresize(small, {factor, factor}, size);
  constexpr int64_t kMean = 9;
  const torch::Tensor padded = torch::replication_pad2d(lost.square(), {kMean / 2, kMean / 2, kMean / 2, kMean / 2});
  return torch::avg_pool2d(padded, {kMean, kMean}, {1, 1});
}

}  // namespace

double ms_ssim(const torch::Tensor& a, const torch::Tensor& b) {
  constexpr std::array<double, 5> kWeights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
  constexpr int64_t kWindow = 11;
  constexpr int64_t kLeastSide = kWindow << (kWeights.size() - 1);
  if (a.sizes() != b.sizes()) throw InputError("MS-SSIM compares images of one size");
  if (std::min(a.size(2), a.size(3)) < kLeastSide) return std::numeric_limits<double>::quiet_NaN();
  torch::Tensor x = luma_of(a);
  torch::Tensor y = luma_of(b);
  double product = 1.0;
  for (size_t i = 0; i < kWeights.size(); ++i) {
    const SsimTerms terms = ssim_terms(x, y);
    const double term = i + 1 == kWeights.size() ? terms.whole : terms.structure;
    product *= std::pow(std::max(0.0, term), kWeights[i]);
    x = halved(x);
    y = halved(y);
  }
  return product;
}

ShiftedPsnr shifted_psnr(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave, int64_t reach) {
  if (result.sizes() != reference.sizes()) throw InputError("a shift is searched between images of one size");
  const int64_t border = shave + reach + 2;
  const int64_t height = reference.size(2) - 2 * border;
  const int64_t width = reference.size(3) - 2 * border;
  if (height < 1 || width < 1) {
    throw InputError(fmt::format("an image of {}x{} is too small to cut {} pixels from every side", reference.size(3),
                                 reference.size(2), border));
  }
  const torch::Tensor moved = luma_of(result);
  const torch::Tensor target = luma_of(reference).slice(2, border, border + height).slice(3, border, border + width);
  const auto window = [&](const torch::Tensor& image, int64_t y, int64_t x) {
    return image.slice(2, border + y, border + y + height).slice(3, border + x, border + x + width);
  };
  ShiftedPsnr best;
  best.psnr = -std::numeric_limits<double>::infinity();
  const auto offer = [&](const torch::Tensor& image, double y, double x) {
    const double value = psnr(image, target);
    if (value > best.psnr) best = {value, y, x};
  };
  for (int64_t y = -reach; y <= reach; ++y) {
    for (int64_t x = -reach; x <= reach; ++x) {
      offer(window(moved, y, x), -static_cast<double>(y), -static_cast<double>(x));
    }
  }
  // Quarters: Keys' cubic at the fraction, along one axis after the other.
  const auto taps = [](double t) {
    return std::array<double, 4>{((-0.5 * t + 1.0) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1.0,
                                 ((-1.5 * t + 2.0) * t + 0.5) * t, (0.5 * t - 0.5) * t * t};
  };
  const auto center_y = static_cast<int64_t>(std::llround(-best.shift_y));
  const auto center_x = static_cast<int64_t>(std::llround(-best.shift_x));
  // One axis after the other: each blend of rows serves all seven of columns.
  for (int quarter_y = -3; quarter_y <= 3; ++quarter_y) {
    const double at_y = static_cast<double>(center_y) + 0.25 * quarter_y;
    const auto floor_y = static_cast<int64_t>(std::floor(at_y));
    const auto along_y = taps(at_y - std::floor(at_y));
    torch::Tensor rows = torch::zeros({1, 1, height, moved.size(3)}, torch::kFloat64);
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t first = border + floor_y - 1 + i;
      const double weight = along_y[static_cast<size_t>(i)];
      if (weight != 0.0) rows.add_(moved.slice(2, first, first + height), weight);
    }
    for (int quarter_x = -3; quarter_x <= 3; ++quarter_x) {
      const double at_x = static_cast<double>(center_x) + 0.25 * quarter_x;
      const auto floor_x = static_cast<int64_t>(std::floor(at_x));
      const auto along_x = taps(at_x - std::floor(at_x));
      torch::Tensor sum = torch::zeros_like(target);
      for (int64_t k = 0; k < 4; ++k) {
        const int64_t first = border + floor_x - 1 + k;
        const double weight = along_x[static_cast<size_t>(k)];
        if (weight != 0.0) sum.add_(rows.slice(3, first, first + width), weight);
      }
      offer(sum, -at_y, -at_x);
    }
  }
  return best;
}

torch::Tensor invented_detail(const torch::Tensor& result, const torch::Tensor& photo) {
  const double factor = static_cast<double>(result.size(2)) / static_cast<double>(photo.size(2));
  if (factor < 1.0) throw InputError("a result smaller than its photo has no detail of its own");
  const torch::Tensor y = luma_of(result).to(torch::kFloat32);
  const torch::Tensor small = luma_of(photo).to(torch::kFloat32);
  const torch::Tensor added = lost_energy(y, std::max(factor, 1.5));
  const Size size{result.size(2), result.size(3)};
  const torch::Tensor known = imresize(lost_energy(small, 2.0), {factor, factor}, size).clamp_min(0.0);
  return (added - known).clamp_min(0.0).sqrt();
}

}  // namespace zsr
