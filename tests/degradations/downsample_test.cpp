#include "degradations/downsample.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

using test::lopsided;
using test::max_difference;

// scipy.ndimage.correlate(image, k, mode='reflect')[::2, ::2] of the 6x5 image (37 * i mod 251).
TEST(Downsample, MatchesScipyCorrelation) {
  const torch::Tensor image = torch::arange(30, torch::kFloat64).mul(37).remainder(251).view({1, 1, 6, 5});
  const torch::Tensor want = torch::tensor({65.62424242, 84.73939394, 100.4, 129.3515152, 140.8606061, 126.0969697,
                                            131.2181818, 110.7818182, 121.8787879},
                                           torch::kFloat64)
                                 .view({1, 1, 3, 3});
  EXPECT_LT(max_difference(downsample(image, BlurKernel(lopsided()), {2, 2}), want), 1e-6);
}

// The definition, pixel by pixel: slow, but nothing to get wrong.
torch::Tensor slow(const torch::Tensor& image, const torch::Tensor& weights, int64_t scale) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto mirrored = [](int64_t i, int64_t n) {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
    return i;
  };
  torch::Tensor out = torch::zeros({1, 1, (height + scale - 1) / scale, (width + scale - 1) / scale}, torch::kFloat64);
  for (int64_t y = 0; y < out.size(2); ++y) {
    for (int64_t x = 0; x < out.size(3); ++x) {
      double sum = 0.0;
      for (int64_t j = 0; j < weights.size(0); ++j) {
        for (int64_t i = 0; i < weights.size(1); ++i) {
          sum += weights[j][i].item<double>() * image[0][0][mirrored(scale * y + j - weights.size(0) / 2, height)]
                                                     [mirrored(scale * x + i - weights.size(1) / 2, width)]
                                                         .item<double>();
        }
      }
      out[0][0][y][x] = sum;
    }
  }
  return out;
}

TEST(Downsample, MatchesTheDefinitionForOddAndEvenKernels) {
  const torch::Tensor image = test::texture(1, 11, 9);
  for (const auto& [rows, columns] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {3, 3}, {4, 4}, {5, 2}, {13, 21}}) {
    for (const int64_t scale : {1, 2, 3}) {
      const BlurKernel kernel(torch::rand({rows, columns}, torch::kFloat64));
      const Scale factor{static_cast<double>(scale), static_cast<double>(scale)};
      EXPECT_LT(max_difference(downsample(image, kernel, factor), slow(image, kernel.weights(), scale)), 1e-12)
          << rows << "x" << columns << " scale " << scale;
    }
  }
}

TEST(Downsample, DeltaPicksPixels) {
  const torch::Tensor image = test::texture(3, 12, 10);
  const BlurKernel delta(torch::ones({1, 1}));
  EXPECT_LT(max_difference(downsample(image, delta, {2, 2}), image.slice(2, 0, 12, 2).slice(3, 0, 10, 2)), 1e-15);
}

TEST(Downsample, ConstantStaysConstant) {
  const torch::Tensor flat = torch::full({1, 1, 15, 17}, 0.3, torch::kFloat64);
  const BlurKernel kernel = gaussian_kernel(9, 1.0, 2.0, 0.4);
  for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{1.5, 2.5}}) {
    EXPECT_LT((downsample(flat, kernel, scale) - 0.3).abs().max().item<double>(), 1e-12);
  }
}

TEST(Downsample, AlignedKernelKeepsTheImageInPlace) {
  // A linear ramp shows every shift: after an aligned blur and sampling, LR pixel i is the ramp at s * i + (s - 1) / 2.
  const torch::Tensor ramp = torch::arange(40, torch::kFloat64).expand({1, 1, 30, 40}).contiguous();
  for (const double s : {2.0, 3.0, 4.0, 1.5, 2.5}) {
    const Scale scale{s, s};
    const BlurKernel kernel = gaussian_kernel(11, 1.3, 1.3).moved_to(centered_phase(scale));
    const torch::Tensor lr = downsample(ramp, kernel, scale);
    for (int64_t x = 5; x < lr.size(3) - 5; ++x) {
      EXPECT_NEAR(lr[0][0][3][x].item<double>(), s * static_cast<double>(x) + (s - 1.0) / 2.0, 2e-3) << "scale " << s;
    }
  }
}

TEST(Downsample, IsDifferentiable) {
  const torch::Tensor image = test::texture(1, 8, 8).requires_grad_(true);
  downsample(image, gaussian_kernel(5, 1, 1), {2, 2}).sum().backward();
  // Every LR pixel hands out a weight of 1 in all.
  EXPECT_NEAR(image.grad().sum().item<double>(), 16.0, 1e-9);
}

}  // namespace
}  // namespace zsr
