#include "image/hdr.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

torch::Tensor pixel(double a, double b, double c) {
  return torch::tensor({a, b, c}, torch::kFloat64).view({1, 3, 1, 1});
}

double greatest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// ITU-R BT.2408, table 1, and BT.2100: the PQ signal of well-known luminances.
TEST(Hdr, PqFollowsSt2084) {
  const torch::Tensor light = torch::tensor({0.0, 1.0, 100.0, 203.0, 1000.0, 10000.0}, torch::kFloat64);
  const torch::Tensor signal = torch::tensor({0.0, 0.1499, 0.5081, 0.5807, 0.7518, 1.0}, torch::kFloat64);
  EXPECT_LT(greatest_difference(pq_of_light(light), signal), 1e-4);
  EXPECT_LT(greatest_difference(light_of_pq(pq_of_light(light)), light), 1e-6);
}

// Codes of colour bars: ITU-R BT.709 at 8 bits, BT.2020 at 10.
TEST(Hdr, StudioCodesAreThoseOfColourBars) {
  EXPECT_LT(greatest_difference(studio_codes_of_rgb(pixel(0, 0, 0)) * 255, pixel(16, 128, 128)), 1e-6);
  EXPECT_LT(greatest_difference(studio_codes_of_rgb(pixel(1, 1, 1)) * 255, pixel(235, 128, 128)), 1e-6);
  EXPECT_LT(greatest_difference(studio_codes_of_rgb(pixel(1, 0, 0)) * 255, pixel(63, 102, 240)), 0.5);
  EXPECT_LT(greatest_difference(studio_codes_of_rgb(pixel(0, 1, 0)) * 255, pixel(173, 42, 26)), 0.5);
  EXPECT_LT(greatest_difference(studio_codes_of_rgb(pixel(0, 0, 1)) * 255, pixel(32, 240, 118)), 0.5);
  EXPECT_LT(greatest_difference(hdr_rgb_of_studio_codes(pixel(940, 512, 512) / 1023), pixel(1, 1, 1)), 1e-6);
  EXPECT_LT(greatest_difference(hdr_rgb_of_studio_codes(pixel(294, 387, 960) / 1023), pixel(1, 0, 0)), 2e-3);
  EXPECT_LT(greatest_difference(hdr_rgb_of_studio_codes(pixel(116, 960, 476) / 1023), pixel(0, 0, 1)), 2e-3);
}

TEST(Hdr, LightLevelsAreInCandelas) {
  torch::Tensor image = torch::zeros({1, 3, 1, 2}, torch::kFloat64);
  image.select(3, 1).fill_(pq_of_light(torch::tensor(1000.0, torch::kFloat64)).item<double>());
  EXPECT_NEAR(light_levels(image).peak, 1000.0, 1e-3);
  EXPECT_NEAR(light_levels(image).mean, 500.0, 1e-3);
}

}  // namespace
}  // namespace zsr
