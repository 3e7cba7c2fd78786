#include "degradations/estimation/photo_condition.h"

#include "core/error.h"
#include "degradations/compression.h"
#include "degradations/noise.h"
#include "image/photo.h"
#include "image/resize.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <string>

namespace zsr {
namespace {

// A shipped photo, made smaller by 2 so that it is sharp to the pixel.
torch::Tensor sharp_photo() {
  const torch::Tensor photo = load_photo(std::string(ZSR_EXAMPLES) + "/cat.jpg").color;
  return quantize(imresize(photo, Scale{0.5, 0.5}).clamp(0.0, 1.0));
}

TEST(PhotoCondition, SharpPhotoIsClean) {
  const PhotoCondition found = look_at_condition(sharp_photo());
  EXPECT_LT(found.damage, 0.1);
  EXPECT_FALSE(found.jpeg.has_value());
  EXPECT_FALSE(found.jpeg_resized.has_value());
  EXPECT_FALSE(found.enlarged_before);
  EXPECT_FALSE(found.halftone);
  EXPECT_FALSE(found.graphics);
}

TEST(PhotoCondition, NoiseRaisesItsFiguresAndTheDamage) {
  const torch::Tensor photo = sharp_photo();
  double last = look_at_condition(photo).damage;
  for (const double level : {4.0, 8.0, 16.0}) {
    const PhotoCondition found = look_at_condition(add_gaussian_noise(photo, level, NoiseColor::kColor, 1));
    ASSERT_TRUE(found.chroma_noise.has_value());
    EXPECT_NEAR(*found.chroma_noise, level, 0.2 * level);
    EXPECT_GT(found.damage, last + 0.05) << level;
    last = found.damage;
  }
}

TEST(PhotoCondition, BlurredNoiseIsCorrelated) {
  const torch::Tensor noise = add_gaussian_noise(torch::full({1, 3, 128, 128}, 0.5), 12.0, NoiseColor::kColor, 2);
  const PhotoCondition white = look_at_condition(noise);
  const PhotoCondition coarse = look_at_condition(torch::avg_pool2d(noise, 2, 1));
  ASSERT_TRUE(white.noise_correlation && coarse.noise_correlation);
  EXPECT_NEAR(*white.noise_correlation, 0.0, 0.15);
  EXPECT_GT(*coarse.noise_correlation, 0.3);
  EXPECT_TRUE(white.noise_is_white);
  EXPECT_FALSE(coarse.noise_is_white);
}

TEST(PhotoCondition, StrongerCompressionIsMoreDamage) {
  const torch::Tensor photo = sharp_photo();
  const PhotoCondition mild = look_at_condition(jpeg_round_trip(photo, 75));
  const PhotoCondition strong = look_at_condition(jpeg_round_trip(photo, 40));
  ASSERT_TRUE(strong.jpeg.has_value());
  EXPECT_NEAR(static_cast<double>(strong.jpeg->quality), 40.0, 3.0);
  EXPECT_GT(strong.blockiness, mild.blockiness);
  EXPECT_GT(mild.damage, 0.3);
  EXPECT_GT(strong.damage, mild.damage);
  EXPECT_NE(describe(strong).find("JPEG of about quality"), std::string::npos);
}

TEST(PhotoCondition, WideEdgesTellOfBlurThatIsNoDamage) {
  const torch::Tensor drawn = test::squares(256, 3);
  torch::Tensor blurred = drawn;
  for (int i = 0; i < 8; ++i) blurred = torch::avg_pool2d(blurred, 2, 1);  // binomial, nearly Gaussian
  const PhotoCondition sharp = look_at_condition(drawn);
  const PhotoCondition soft = look_at_condition(blurred);
  ASSERT_TRUE(sharp.edge_width && soft.edge_width);
  EXPECT_GT(*soft.edge_width, *sharp.edge_width + 1.0);
  EXPECT_LT(soft.damage, 0.2);
}

TEST(PhotoCondition, TellsDrawingsFromPhotos) {
  torch::Tensor page = torch::ones({1, 3, 128, 160});
  for (int64_t y = 13; y < 120; y += 23) page.slice(2, y, y + 3).slice(3, 10, 120).fill_(0.0);
  const PhotoCondition found = look_at_condition(page);
  EXPECT_TRUE(found.graphics);
  EXPECT_GT(found.flat_share, 0.3);
  EXPECT_GT(found.few_colours_share, 0.99);
  EXPECT_LT(found.damage, 0.1);
}

TEST(PhotoCondition, SmallFlatAndGrayPhotosAreNoTrouble) {
  for (const int64_t channels : {1, 3}) {
    for (const int64_t side : {1, 7, 8, 31, 32, 33, 63}) {
      const torch::Tensor image = test::texture(channels, side, side + 1).to(torch::kFloat32);
      const PhotoCondition textured = look_at_condition(image);
      EXPECT_GE(textured.damage, 0.0);
      EXPECT_LE(textured.damage, 1.0);
      EXPECT_EQ(textured.chroma_noise.has_value(), channels == 3 && textured.noise.has_value());
      const PhotoCondition flat = look_at_condition(torch::full_like(image, 0.25));
      EXPECT_FALSE(flat.noise.has_value());
      EXPECT_FALSE(flat.edge_width.has_value());
      EXPECT_FALSE(flat.half_power.has_value());
      EXPECT_EQ(flat.damage, 0.0);
    }
  }
  EXPECT_THROW(look_at_condition(torch::zeros({1, 2, 8, 8})), OptionError);
  EXPECT_THROW(look_at_condition(torch::zeros({3, 8, 8})), OptionError);
}

TEST(PhotoCondition, IsTheSameEachTime) {
  const torch::Tensor photo = add_gaussian_noise(sharp_photo(), 5.0, NoiseColor::kColor, 1);
  const std::string first = to_json(look_at_condition(photo)).dump();
  EXPECT_EQ(first, to_json(look_at_condition(photo)).dump());
  EXPECT_TRUE(nlohmann::json::parse(first).contains("damage"));
}

}  // namespace
}  // namespace zsr
