#include "image/metrics.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

torch::Tensor ramp() {
  const torch::Tensor y = torch::arange(24, torch::kFloat64).view({24, 1}) * 7;
  const torch::Tensor x = torch::arange(20, torch::kFloat64).view({1, 20}) * 11;
  return (y + x).remainder(256);
}

torch::Tensor disturbed() {
  const torch::Tensor noise = torch::arange(480, torch::kFloat64).view({24, 20}).mul(53).remainder(41) - 20;
  return (ramp() + noise).clamp(0, 255);
}

torch::Tensor image(const torch::Tensor& levels) {
  return (levels / 255.0).view({1, 1, 24, 20});
}

// scikit-image 0.19 structural_similarity(gaussian_weights, sigma 1.5, data_range 255, no sample covariance), its map
// cropped by 5; NumPy for the PSNR.
TEST(Metrics, SsimMatchesScikitImage) {
  EXPECT_NEAR(ssim(image(ramp()), image(disturbed())), 0.8941874069122596, 1e-9);
}

TEST(Metrics, PsnrMatchesNumpy) {
  EXPECT_NEAR(psnr(image(ramp()), image(disturbed())), 26.73614522832432, 1e-9);
}

TEST(Metrics, EqualImagesAreInfinite) {
  const torch::Tensor a = test::texture(3, 20, 20);
  const Metrics metrics = compare_images(a, a, {.shave = 2});
  EXPECT_TRUE(std::isinf(metrics.psnr_y));
  EXPECT_NEAR(metrics.ssim_y, 1.0, 1e-12);
}

TEST(Metrics, ShaveIgnoresTheBorder) {
  const torch::Tensor a = test::texture(1, 20, 20);
  torch::Tensor b = a.clone();
  b.slice(2, 0, 2).fill_(0.0);
  EXPECT_FALSE(std::isinf(compare_images(a, b, {.shave = 1}).psnr_y));
  EXPECT_TRUE(std::isinf(compare_images(a, b, {.shave = 2}).psnr_y));
}

TEST(Metrics, IntegerLumaRoundsBothImages) {
  // Two grays under half a luma level apart are equal after rounding only.
  const torch::Tensor a = torch::full({1, 3, 16, 16}, 100.0 / 255.0, torch::kFloat64);
  torch::Tensor b = a.clone();
  b.select(1, 2).fill_(101.0 / 255.0);  // blue moves Y by 0.098 levels
  EXPECT_FALSE(std::isinf(compare_images(a, b, {.luma = MetricProtocol::Luma::kFloat}).psnr_y));
  EXPECT_TRUE(std::isinf(compare_images(a, b, {.luma = MetricProtocol::Luma::kInteger}).psnr_y));
}

// Gray and RGB are compared in one colour space: what differs is only how the picture is stored.
TEST(Metrics, GrayEqualsTheSamePictureStoredAsRgb) {
  const torch::Tensor gray = test::random_bytes(1, 24, 20);
  const torch::Tensor rgb = gray.repeat({1, 3, 1, 1});
  for (const auto& metrics : {compare_images(gray, rgb, {}), compare_images(rgb, gray, {})}) {
    EXPECT_TRUE(std::isinf(metrics.psnr_y));
    EXPECT_TRUE(std::isinf(metrics.psnr_rgb));
    EXPECT_NEAR(metrics.ssim_y, 1.0, 1e-12);
  }
  const torch::Tensor other = (gray + 0.02).clamp(0.0, 1.0);
  const Metrics mixed = compare_images(other, rgb, {});
  const Metrics same = compare_images(other.repeat({1, 3, 1, 1}), rgb, {});
  EXPECT_EQ(mixed.psnr_y, same.psnr_y);
  EXPECT_EQ(mixed.psnr_rgb, same.psnr_rgb);
  EXPECT_EQ(mixed.ssim_rgb, same.ssim_rgb);
}

TEST(Metrics, LostColourCostsInRgb) {
  const torch::Tensor rgb = test::random_bytes(3, 24, 20);
  const torch::Tensor gray = rgb.mean(1, true);
  EXPECT_NEAR(compare_images(gray, rgb, {}).psnr_rgb, psnr(gray.repeat({1, 3, 1, 1}), rgb), 1e-12);
}

TEST(Metrics, RefusesDifferentSizesAndTooMuchShaving) {
  EXPECT_THROW(compare_images(torch::rand({1, 1, 8, 8}), torch::rand({1, 1, 8, 9}), {}), InputError);
  EXPECT_THROW(compare_images(torch::rand({1, 1, 8, 8}), torch::rand({1, 1, 8, 8}), {.shave = 4}), InputError);
}

TEST(Metrics, SsimOfImagesBelowTheWindowIsNan) {
  EXPECT_TRUE(std::isnan(ssim(torch::rand({1, 1, 10, 30}), torch::rand({1, 1, 10, 30}))));
}

}  // namespace
}  // namespace zsr
