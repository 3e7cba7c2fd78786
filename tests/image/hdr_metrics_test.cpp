#include "image/hdr_metrics.h"

#include "core/error.h"
#include "image/hdr.h"
#include "image/made_metadata.h"
#include "image/matrix_profile.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

constexpr int64_t kRows = 16;
constexpr int64_t kColumns = 24;

// Codes of 10 bits by formula, / 1023; `disturbed`: plus -5 to 5 codes.
torch::Tensor coded_ramp(bool disturbed) {
  torch::Tensor values = torch::empty({1, 3, kRows, kColumns}, torch::kFloat64);
  for (int64_t y = 0; y < kRows; ++y) {
    for (int64_t x = 0; x < kColumns; ++x) {
      const int64_t noise = disturbed ? (x * 7 + y * 13) % 11 - 5 : 0;
      const int64_t codes[] = {50 + 30 * x, 100 + 40 * y, 200 + 10 * (x + y)};
      for (int64_t c = 0; c < 3; ++c) values[0][c][y][x] = static_cast<double>(codes[c] + noise) / 1023.0;
    }
  }
  return values;
}

// NumPy, from the formulas of ST 2084 and PU21.
TEST(HdrMetrics, AgreeWithNumPy) {
  const torch::Tensor a = light_of_pq(coded_ramp(true));
  const torch::Tensor b = light_of_pq(coded_ramp(false));
  const HdrMetrics whole = compare_light(a, b, 0);
  EXPECT_NEAR(whole.pq_psnr, 50.197513, 1e-5);
  EXPECT_NEAR(whole.pu21_psnr, 42.608039, 1e-5);
  const HdrMetrics inner = compare_light(a, b, 2);
  EXPECT_NEAR(inner.pq_psnr, 50.208384, 1e-5);
  EXPECT_NEAR(inner.pu21_psnr, 42.453879, 1e-5);
  EXPECT_TRUE(std::isinf(compare_light(a, a, 0).pq_psnr));
}

TEST(HdrMetrics, Pu21MapsAHundredCandelasTo256) {
  const torch::Tensor light = torch::tensor({0.001, 0.1, 1.0, 100.0, 1000.0, 10000.0}, torch::kFloat64);
  const torch::Tensor expected =
      torch::tensor({0.0, 5.71707, 36.54391, 256.3839, 420.09692, 595.39392}, torch::kFloat64);
  EXPECT_LT((pu21_of_light(light) - expected).abs().max().item<double>(), 1e-4);
}

TEST(HdrMetrics, LinearLightAgreesWithNumPy) {
  const LinearMetrics found = compare_linear(coded_ramp(true), coded_ramp(false), 1);
  EXPECT_NEAR(found.linear_psnr, 50.197513, 1e-5);
  EXPECT_NEAR(found.srgb_psnr, 51.281100, 1e-5);
}

TEST(HdrMetrics, SrgbIsMadeLinear) {
  Photo photo;
  photo.color = torch::full({1, 3, 4, 4}, 0.5);
  EXPECT_FALSE(states_linear_light(photo));
  EXPECT_NEAR(linear_values(photo)[0][0][0][0].item<double>(), 0.214041, 1e-6);
  photo.metadata = made_metadata({}, matrix_profile(ColorSpace::kLinearSrgb));
  EXPECT_TRUE(states_linear_light(photo));
  EXPECT_EQ(linear_values(photo)[0][0][0][0].item<double>(), 0.5);
}

TEST(HdrMetrics, SdrWhiteIsReferenceWhite) {
  Photo photo;
  photo.color = torch::ones({1, 1, 4, 4});
  const torch::Tensor light = light_of_photo(photo, kBt2020);
  EXPECT_EQ(light.size(1), 3);
  EXPECT_NEAR(light.min().item<double>(), 203.0, 0.01);
  EXPECT_NEAR(light.max().item<double>(), 203.0, 0.01);
}

TEST(HdrMetrics, OtherSizesAreRefused) {
  const torch::Tensor a = torch::ones({1, 3, 8, 8});
  EXPECT_THROW(compare_light(a, torch::ones({1, 3, 8, 9}), 0), InputError);
  EXPECT_THROW(compare_light(a, a, 4), InputError);
  EXPECT_THROW(compare_linear(a, a, 4), InputError);
}

}  // namespace
}  // namespace zsr
