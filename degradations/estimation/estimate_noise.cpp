#include "core/error.h"
#include "degradations/estimation/estimate.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

constexpr int64_t kSide = 7;
constexpr int64_t kMostPatches = 60000;

// [patches, side * side], those with burnt-out or black pixels left out: clipping hides noise.
torch::Tensor patches_of(const torch::Tensor& plane) {
  const torch::Tensor windows = plane.unfold(0, kSide, 1).unfold(1, kSide, 1);
  const int64_t count = windows.size(0) * windows.size(1);
  const auto step = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count) / kMostPatches)));
  const torch::Tensor some =
      windows.slice(0, 0, windows.size(0), step).slice(1, 0, windows.size(1), step).reshape({-1, kSide * kSide});
  const torch::Tensor clipped = some.le(0.5).logical_or(some.ge(254.5)).sum(1).gt(kSide * kSide / 10);
  const torch::Tensor good = clipped.logical_not().nonzero().view({-1});
  // An image that is clipped all over keeps all its patches: better a low figure than none.
  return good.size(0) >= 4 * kSide * kSide ? some.index_select(0, good) : some;
}

double noise_of_plane(const torch::Tensor& plane) {
  torch::Tensor patches = patches_of(plane);
  patches = patches - patches.mean(0, true);
  const torch::Tensor covariance = torch::matmul(patches.t(), patches) / static_cast<double>(patches.size(0));
  const torch::Tensor values = torch::linalg_eigvalsh(covariance, "U").contiguous();  // ascending
  const double* const value = values.data_ptr<double>();
  // Eigenvalues of pure noise lie around its variance: drop the largest until the mean of the rest is their median.
  double sum = 0.0;
  for (int64_t i = 0; i < values.size(0); ++i) sum += value[i];
  for (int64_t count = values.size(0); count > 1; --count) {
    const double mean = sum / static_cast<double>(count);
    const int64_t below = std::lower_bound(value, value + count, mean) - value;
    if (2 * below <= count) return std::sqrt(std::max(0.0, mean));
    sum -= value[count - 1];
  }
  return std::sqrt(std::max(0.0, value[0]));
}

constexpr int64_t kBlock = 8;

// What the pixels of each block of 8 x 8 tell, per channel [C, 1, rows, columns], in levels of 255.
struct Blocks {
  torch::Tensor variance;  // of white noise, by a filter that structure hardly passes
  torch::Tensor mean;
};

Blocks measure_blocks(const torch::Tensor& image) {
  // Strip by strip: the convolution alone takes 20 times the memory of what it is given.
  constexpr int64_t kRows = 64 * kBlock;
  const torch::Tensor difference = torch::tensor({1.0F, -2.0F, 1.0F, -2.0F, 4.0F, -2.0F, 1.0F, -2.0F, 1.0F});
  constexpr double kGain = 6.0;  // of that filter on white noise
  const int64_t inside = image.size(2) - 2;
  std::vector<torch::Tensor> variances;
  std::vector<torch::Tensor> means;
  for (int64_t row = 0; row + kBlock <= inside; row += kRows) {
    const int64_t rows = std::min(kRows, inside - row);
    const torch::Tensor levels =
        image[0].narrow(1, row, rows + 2).to(torch::kCPU, torch::kFloat32).mul(255.0).unsqueeze(1);
    const torch::Tensor residual = torch::conv2d(levels, difference.view({1, 1, 3, 3})).square();
    variances.push_back(torch::avg_pool2d(residual, kBlock) / (kGain * kGain));
    means.push_back(torch::avg_pool2d(levels.slice(2, 1, -1).slice(3, 1, -1), kBlock));
  }
  return {torch::cat(variances, 2), torch::cat(means, 2)};
}

}  // namespace

double estimate_noise(const torch::Tensor& image) {
  if (image.size(2) < 16 || image.size(3) < 16) {
    throw OptionError(fmt::format("the image is {}x{}; its noise can be measured from 16x16 pixels on", image.size(3),
                                  image.size(2)));
  }
  const torch::Tensor levels = image[0].to(torch::kCPU, torch::kFloat64).mul(255.0);
  double sum = 0.0;
  for (int64_t channel = 0; channel < levels.size(0); ++channel) sum += noise_of_plane(levels[channel]);
  return sum / static_cast<double>(levels.size(0));
}

FineScale look_at_fine_scale(const torch::Tensor& image) {
  constexpr int64_t kLeastForJpeg = 64;
  FineScale found;
  if (std::min(image.size(2), image.size(3)) >= kLeastForJpeg) {
    if (const auto jpeg = jpeg_quality_of_pixels(image)) found.jpeg_quality = jpeg->quality;
  }
  const double everywhere = estimate_noise(image);
  // Compression smooths flat parts, so that they say nothing of the rest.
  found.noise = found.jpeg_quality > 0 ? everywhere : std::min(everywhere, estimate_flat_noise(image));
  constexpr double kMargin = 1.15;  // of the estimates on plain noise
  found.detail = std::sqrt(std::max(0.0, everywhere * everywhere - std::pow(kMargin * found.noise, 2)));
  return found;
}

double estimate_flat_noise(const torch::Tensor& image) {
  if (image.size(2) < 4 * kBlock || image.size(3) < 4 * kBlock) {
    throw OptionError(
        fmt::format("the image is {}x{}; the noise of its flat parts can be measured from 32x32 pixels on",
                    image.size(3), image.size(2)));
  }
  const auto [variance, mean] = measure_blocks(image);
  double sum = 0.0;
  for (int64_t channel = 0; channel < variance.size(0); ++channel) {
    // Clipping hides noise; where all is clipped there is nothing better.
    const torch::Tensor open = mean[channel].gt(8.0).logical_and(mean[channel].lt(247.0));
    torch::Tensor blocks = variance[channel].masked_select(open);
    if (blocks.numel() < 8) blocks = variance[channel].reshape({-1});
    const torch::Tensor sorted = std::get<0>(blocks.sort());
    const double low = sorted[(sorted.size(0) - 1) / 10].item<double>();
    constexpr double kPercentile = 0.80;  // 10th percentile of a block's deviation against the true one (simulated)
    sum += std::sqrt(low) / kPercentile;
  }
  return sum / static_cast<double>(variance.size(0));
}

}  // namespace zsr
