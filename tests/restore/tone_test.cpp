#include "restore/tone.h"

#include "core/error.h"
#include "image/photo.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <string>

namespace zsr::restore {
namespace {

torch::Tensor example_of(const char* name) {
  return load_photo(std::string(ZSR_EXAMPLES "/") + name).color;
}

torch::Tensor with_curve(const torch::Tensor& photo, std::array<float, 3> gain, std::array<float, 3> offset) {
  const auto column = [](std::array<float, 3> values) {
    return torch::tensor({values[0], values[1], values[2]}).view({1, 3, 1, 1});
  };
  return quantize(photo * column(gain) + column(offset));
}

double error(const torch::Tensor& image, const torch::Tensor& reference) {
  return (image - reference).square().mean().sqrt().item<double>();
}

// A neutral picture of full range with coloured patches.
torch::Tensor neutral_photo() {
  torch::Tensor photo = torch::linspace(0.0, 1.0, 96).view({1, 1, 1, 96}).expand({1, 3, 64, 96}).contiguous();
  photo.slice(2, 8, 16).slice(3, 40, 60).select(1, 0).fill_(0.8);
  photo.slice(2, 40, 48).slice(3, 40, 60).select(1, 2).fill_(0.7);
  return photo;
}

TEST(Tone, ANeutralPhotoIsUnchanged) {
  const torch::Tensor photo = neutral_photo();
  const Tone tone = correct_tone(photo);
  EXPECT_TRUE(torch::equal(tone.image, photo));
  EXPECT_EQ(tone.strength, 0.0);
  EXPECT_EQ(tone.clipped, 0.0);
  // Green light is of the scene, not of the paper.
  const torch::Tensor green = with_curve(photo, {0.8F, 1.0F, 0.8F}, {0.0F, 0.0F, 0.0F});
  EXPECT_TRUE(torch::equal(correct_tone(green).image, green));
}

TEST(Tone, APhotoWithACastComesBackCloser) {
  const torch::Tensor photo = neutral_photo();
  const torch::Tensor yellowed = with_curve(photo, {0.85F, 0.8F, 0.6F}, {0.14F, 0.11F, 0.03F});
  const Tone tone = correct_tone(yellowed);
  EXPECT_GT(tone.strength, 0.0);
  EXPECT_LT(error(tone.image, photo), 0.4 * error(yellowed, photo));
}

TEST(Tone, AFadedPhotoGetsItsRangeBack) {
  const torch::Tensor photo = neutral_photo();
  const torch::Tensor faded = with_curve(photo, {0.65F, 0.65F, 0.65F}, {0.2F, 0.2F, 0.2F});
  EXPECT_LT(error(correct_tone(faded).image, photo), 0.5 * error(faded, photo));
}

TEST(Tone, TintedMonochromesBecomeGrayAndGrayStaysGray) {
  const torch::Tensor gray = example_of("cameraman_gray_128.png").mean(1, true);
  const torch::Tensor sepia = with_curve(gray.expand({1, 3, -1, -1}), {0.9F, 0.8F, 0.6F}, {0.1F, 0.08F, 0.05F});
  const Tone tone = correct_tone(sepia);
  EXPECT_TRUE(tone.monochrome);
  EXPECT_EQ((tone.image.select(1, 0) - tone.image.select(1, 2)).abs().max().item<double>(), 0.0);
  const Tone of_gray = correct_tone(gray);
  EXPECT_EQ(of_gray.image.size(1), 1);
  EXPECT_FALSE(of_gray.monochrome);
  const Tone of_color =
      correct_tone(with_curve(example_of("coffee_192x128.png"), {0.9F, 0.85F, 0.6F}, {0.1F, 0.1F, 0.0F}));
  EXPECT_FALSE(of_color.monochrome);
}

TEST(Tone, ClipsNoMoreThanItSaysAndMay) {
  for (const char* name : {"coffee_192x128.png", "portrait_160.png"}) {
    const torch::Tensor photo = with_curve(example_of(name), {0.7F, 0.6F, 0.4F}, {0.2F, 0.15F, 0.1F});
    for (const double most : {0.0, 0.002, 0.01}) {
      ToneOptions options;
      options.max_clipped = most;
      const Tone tone = correct_tone(photo, options);
      EXPECT_LE(tone.clipped, most) << name;
      // Nothing was at the ends before: what is there now was clipped.
      const double at_ends = (tone.image.le(0.0) | tone.image.ge(1.0)).to(torch::kFloat32).mean().item<double>();
      EXPECT_LE(at_ends, tone.clipped + 1e-3) << name;
      EXPECT_LE(*std::max_element(tone.gain.begin(), tone.gain.end()), options.max_gain);
    }
  }
}

TEST(Tone, TinyAndFlatPhotosAreServed) {
  for (const torch::Tensor& photo :
       {torch::full({1, 3, 1, 1}, 0.3F), torch::full({1, 1, 2, 3}, 0.9F), torch::zeros({1, 3, 300, 2})}) {
    const Tone tone = correct_tone(photo);
    EXPECT_EQ(tone.image.sizes(), photo.sizes());
    EXPECT_TRUE(torch::isfinite(tone.image).all().item<bool>());
  }
}

TEST(Tone, OptionsOutOfRangeAreRefused) {
  const torch::Tensor photo = neutral_photo();
  EXPECT_THROW(correct_tone(photo, {.tail = 0.2}), OptionError);
  EXPECT_THROW(correct_tone(photo, {.max_gain = 0.5}), OptionError);
  EXPECT_THROW(correct_tone(photo, {.max_gamma = 3.0}), OptionError);
  EXPECT_THROW(correct_tone(photo, {.max_clipped = -0.1}), OptionError);
  EXPECT_THROW(correct_tone(torch::rand({1, 2, 4, 4})), OptionError);
}

}  // namespace
}  // namespace zsr::restore
