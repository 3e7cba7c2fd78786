#include "image/color.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

torch::Tensor pixel(double r, double g, double b) {
  return torch::tensor({r, g, b}, torch::kFloat64).div(255.0).view({1, 3, 1, 1});
}

void expect_ycbcr(const torch::Tensor& rgb, double y, double cb, double cr) {
  const torch::Tensor levels = rgb_to_ycbcr(rgb).mul(255.0).flatten();
  EXPECT_NEAR(levels[0].item<double>(), y, 1e-9);
  EXPECT_NEAR(levels[1].item<double>(), cb, 1e-9);
  EXPECT_NEAR(levels[2].item<double>(), cr, 1e-9);
}

// Corners of the colour cube; values from the defining coefficients of BT.601 as MATLAB documents them.
TEST(Color, CornersMatchTheStandard) {
  expect_ycbcr(pixel(0, 0, 0), 16, 128, 128);
  expect_ycbcr(pixel(255, 255, 255), 235, 128, 128);
  expect_ycbcr(pixel(255, 0, 0), 81.481, 90.203, 240);
  expect_ycbcr(pixel(0, 255, 0), 144.553, 53.797, 34.214);
  expect_ycbcr(pixel(0, 0, 255), 40.966, 240, 109.786);
}

TEST(Color, RoundTripIsExact) {
  const torch::Tensor rgb = test::random_bytes(3, 12, 13);
  EXPECT_LT(test::max_difference(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb), 1e-12);
}

TEST(Color, LumaIsTheFirstPlane) {
  const torch::Tensor rgb = test::random_bytes(3, 12, 13);
  EXPECT_LT(test::max_difference(luma(rgb), rgb_to_ycbcr(rgb).slice(1, 0, 1)), 1e-12);
  const torch::Tensor gray = test::random_bytes(1, 4, 4);
  EXPECT_EQ(test::max_difference(luma(gray), gray), 0.0);
}

TEST(Color, RefusesOtherChannelCounts) {
  EXPECT_THROW(rgb_to_ycbcr(torch::rand({1, 4, 2, 2})), InputError);
}

}  // namespace
}  // namespace zsr
