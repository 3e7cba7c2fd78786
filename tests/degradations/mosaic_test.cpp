#include "degradations/mosaic.h"

#include "core/error.h"
#include "degradations/recipe.h"
#include "raw/raw_file.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

// sRGB 0.5 is linear 0.2140 (IEC 61966-2-1); red is divided by its gain.
TEST(SensorMosaic, IsLinearAndBehindTheGains) {
  const torch::Tensor gray = torch::full({1, 3, 8, 8}, 0.5);
  const torch::Tensor mosaic = sensor_mosaic(gray, {.red_gain = 2.0, .blue_gain = 1.6});
  EXPECT_NEAR(mosaic[0][0][0][0].item<double>(), 0.2140 / 2.0, 1e-4);
  EXPECT_NEAR(mosaic[0][0][0][1].item<double>(), 0.2140, 1e-4);
  EXPECT_NEAR(mosaic[0][0][1][1].item<double>(), 0.2140 / 1.6, 1e-4);
}

TEST(SensorMosaic, NoiseHasTheVarianceThatWasAsked) {
  const torch::Tensor gray = torch::full({1, 1, 256, 256}, 0.5);
  const MosaicStep step{.red_gain = 1.0, .blue_gain = 1.0, .shot = 0.002, .read = 0.01, .seed = 3};
  const torch::Tensor mosaic = sensor_mosaic(gray, step);
  EXPECT_NEAR(mosaic.std().item<double>(), std::sqrt(0.002 * 0.2140 + 0.0001), 3e-4);
  EXPECT_NEAR(mosaic.mean().item<double>(), 0.2140, 5e-4);
  EXPECT_EQ(test::max_difference(mosaic, sensor_mosaic(gray, step)), 0.0);
}

TEST(SensorMosaic, DngHoldsItToTheLevel) {
  const torch::Tensor image = test::texture(3, 40, 52).to(torch::kFloat32);
  for (const MosaicPhase phase : {MosaicPhase::kGrbg, MosaicPhase::kXtrans}) {
    const MosaicStep step{.phase = phase, .red_gain = 2.25, .shot = 1e-3, .read = 2e-3, .seed = 4};
    const torch::Tensor mosaic = sensor_mosaic(image, step);
    const raw::RawPhoto photo = raw::read_raw_bytes(mosaic_dng(mosaic, step), "made.dng");
    const torch::Tensor read = torch::tensor(photo.values.values).view({1, 1, 40, 52});
    EXPECT_LT(test::max_difference(read.clamp_max(1.0), mosaic), 1e-6);
    EXPECT_EQ(photo.pattern.is_bayer(), phase == MosaicPhase::kGrbg);
    EXPECT_NEAR(photo.white_balance[0], 2.25, 1e-4);
  }
}

TEST(SensorMosaic, RefusesWhatCannotBe) {
  const torch::Tensor gray = torch::full({1, 1, 8, 8}, 0.5);
  EXPECT_THROW(sensor_mosaic(gray, {.red_gain = 0.5}), OptionError);
  EXPECT_THROW(sensor_mosaic(gray, {.black = 4000, .white = 4001}), OptionError);
  EXPECT_THROW(sensor_mosaic(gray, {.shot = 2.0}), OptionError);
}

TEST(CameraRecipe, EndsInAMosaicOfTheLrSize) {
  const auto recipe = make_recipe("camera", {.scale = {2.0, 2.0}});
  Random random(1);
  const std::vector<Step> steps = recipe->draw({64, 72}, random);
  const std::optional<MosaicStep> mosaic = final_mosaic(steps);
  ASSERT_TRUE(mosaic);
  EXPECT_GE(mosaic->red_gain, 1.9);
  EXPECT_LE(mosaic->red_gain, 2.4);
  EXPECT_GT(mosaic->shot, 0.00009);
  const torch::Tensor made = apply_steps(steps, test::texture(3, 64, 72).to(torch::kFloat32));
  EXPECT_EQ(made.sizes(), (std::vector<int64_t>{1, 1, 32, 36}));
  EXPECT_FALSE(final_mosaic({JpegStep{}}));
}

}  // namespace
}  // namespace zsr
