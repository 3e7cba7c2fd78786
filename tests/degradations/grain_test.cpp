#include "degradations/grain.h"

#include "core/error.h"
#include "degradations/noise.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

using test::max_difference;

// A slope from `low` to `high`, the same in all channels, [1, C, height, width].
torch::Tensor slope(int64_t channels, int64_t height, int64_t width, double low, double high) {
  const torch::Tensor row = torch::linspace(low, high, width, torch::kFloat32);
  return row.view({1, 1, 1, width}).expand({1, channels, height, width}).contiguous();
}

// What stands out over `clean`: [C, H, W] float64 in 1/255.
torch::Tensor residual(const torch::Tensor& image, const torch::Tensor& clean) {
  return (image - clean).mul(255.0)[0].to(torch::kFloat64);
}

double rms(const torch::Tensor& x) {
  return std::sqrt(x.square().mean().item<double>());
}

double correlation_of(const torch::Tensor& a, const torch::Tensor& b) {
  return (a * b).mean().item<double>() / (rms(a) * rms(b));
}

// Autocorrelation of a plane at the distance `lag` along an axis.
double autocorrelation(const torch::Tensor& plane, int64_t axis, int64_t lag) {
  return correlation_of(plane.slice(axis, lag), plane.slice(axis, 0, plane.size(axis) - lag));
}

GrainModel model_of(const FilmGrain& grain, int64_t channels = 3) {
  const torch::Tensor clean = slope(channels, 512, 512, 0.15, 0.85);
  return analyse_grain(add_film_grain(clean, grain, 3), clean);
}

void expect_same_statistics(const torch::Tensor& made, const torch::Tensor& original) {
  for (int64_t c = 0; c < original.size(0); ++c) {
    EXPECT_NEAR(rms(made[c]) / rms(original[c]), 1.0, 0.1);
    for (const int64_t axis : {0, 1}) {
      for (const int64_t lag : {1, 2, 3}) {
        EXPECT_NEAR(autocorrelation(made[c], axis, lag), autocorrelation(original[c], axis, lag), 0.06) << lag;
      }
    }
    for (int64_t d = 0; d < c; ++d) {
      EXPECT_NEAR(correlation_of(made[c], made[d]), correlation_of(original[c], original[d]), 0.05);
    }
  }
}

TEST(Grain, WhatIsPutBackHasTheStatisticsOfWhatWasTakenOff) {
  for (const int64_t channels : {1, 3}) {
    const torch::Tensor clean = slope(channels, 512, 512, 0.15, 0.85);
    for (const double size : {0.0, 0.6, 1.2}) {
      for (const double chroma : {0.0, 0.3, 1.0}) {
        if (channels == 1 && chroma > 0.0) continue;
        SCOPED_TRACE(testing::Message() << channels << " channels, size " << size << ", chroma " << chroma);
        const FilmGrain grain{.level = 6.0, .size_px = size, .chroma = chroma, .midtone = 0.0};
        const torch::Tensor photo = add_film_grain(clean, grain, 3);
        const GrainModel model = analyse_grain(photo, clean);
        expect_same_statistics(residual(add_grain(clean, model, 1.0, 1.0, 9), clean), residual(photo, clean));
      }
    }
  }
}

TEST(Grain, LevelFollowsBrightness) {
  const torch::Tensor clean = slope(1, 1024, 1024, 0.0, 1.0);
  const FilmGrain grain{.level = 6.0, .size_px = 0.7, .midtone = 0.8};
  const GrainModel model = analyse_grain(add_film_grain(clean, grain, 3), clean);
  const torch::Tensor made = residual(add_grain(clean, model, 1.0, 1.0, 9), clean)[0];
  for (const double y : {0.15, 0.3, 0.5, 0.7, 0.85}) {
    const double expected = 6.0 * (1.0 - 0.8 * std::pow(2.0 * y - 1.0, 2));
    EXPECT_NEAR(model.level_at(y), expected, 0.1 * expected) << y;
    const auto column = static_cast<int64_t>(y * 1023.0);
    EXPECT_NEAR(rms(made.slice(1, column - 20, column + 20)), expected, 0.1 * expected) << y;
  }
  EXPECT_GT(model.midtone_ratio(), 1.5);
}

TEST(Grain, BrightnessThatThePhotoLacksTakesTheNearestLevel) {
  const torch::Tensor clean = slope(3, 128, 256, 0.40, 0.60);
  const GrainModel model = analyse_grain(add_film_grain(clean, {.level = 5.0, .midtone = 0.0}, 3), clean);
  EXPECT_FALSE(model.measured[0] || model.measured[7]);
  EXPECT_TRUE(model.measured[3] || model.measured[4]);
  EXPECT_EQ(model.level_at(0.0), model.level[3]);
  EXPECT_EQ(model.level_at(1.0), model.level[4]);
  EXPECT_NEAR(model.level_at(0.0), 5.0, 0.5);
}

TEST(Grain, DetailThatTheDenoiserRemovedCountsLittle) {
  const torch::Tensor smooth = slope(3, 384, 384, 0.3, 0.7);
  torch::Tensor detail = (test::random_bytes(3, 384, 384).to(torch::kFloat32) - 0.5) * 0.3;
  detail.slice(3, 0, 192).zero_();
  const FilmGrain grain{.level = 4.0, .size_px = 0.7, .midtone = 0.0};
  const torch::Tensor photo = add_film_grain(smooth + detail, grain, 3);
  const torch::Tensor denoised = smooth + 0.7 * detail;
  ASSERT_GT(rms(residual(photo, denoised)), 5.5);
  const GrainModel model = analyse_grain(photo, denoised);
  EXPECT_NEAR(model.level_at(0.5), 4.0, 0.4);
  EXPECT_NEAR(model.channel_correlation(), 1.0, 0.05);
}

TEST(Grain, ThePatternOfJpegBlocksIsNotGrain) {
  const torch::Tensor clean = slope(1, 256, 256, 0.2, 0.8);
  torch::Tensor pattern = torch::zeros({1, 1, 256, 256});
  pattern.slice(2, 7, 256, 8).fill_(9.0F / 255.0F);
  pattern.slice(3, 7, 256, 8).fill_(9.0F / 255.0F);
  const FilmGrain grain{.level = 4.0, .size_px = 0.7, .midtone = 0.0};
  const torch::Tensor photo = add_film_grain(clean, grain, 3) + pattern;
  ASSERT_GT(rms(residual(photo, clean)), 5.5);
  EXPECT_NEAR(analyse_grain(photo, clean).level_at(0.5), 4.0, 0.4);
}

TEST(Grain, SizeStretchesItAndLeavesTheLevel) {
  const GrainModel model = model_of({.level = 6.0, .size_px = 0.8, .midtone = 0.0});
  const torch::Tensor clean = slope(3, 700, 700, 0.2, 0.8);
  const torch::Tensor pixels = residual(add_grain(clean, model, 1.0, 3.0, 9, 1.0), clean)[1];
  const torch::Tensor larger = residual(add_grain(clean, model, 1.0, 3.0, 9, 3.0), clean)[1];
  EXPECT_NEAR(rms(larger) / rms(pixels), 1.0, 0.1);
  for (const int64_t axis : {0, 1}) {
    for (const int64_t lag : {1, 2}) {
      EXPECT_NEAR(autocorrelation(larger, axis, 3 * lag), autocorrelation(pixels, axis, lag), 0.06);
    }
  }
  EXPECT_NEAR(rms(residual(add_grain(clean, model, 0.5, 3.0, 9, 1.0), clean)[1]), 0.5 * rms(pixels), 0.01);
  // Left to itself it grows with the picture, up to twice.
  EXPECT_TRUE(torch::equal(add_grain(clean, model, 1.0, 1.5, 9), add_grain(clean, model, 1.0, 1.5, 9, 1.5)));
  EXPECT_TRUE(torch::equal(add_grain(clean, model, 1.0, 4.0, 9), add_grain(clean, model, 1.0, 4.0, 9, 2.0)));
}

TEST(Grain, FollowsItsSeedAndStaysInRange) {
  GrainModel model = model_of({.level = 6.0, .size_px = 0.8, .chroma = 0.2});
  model.level.fill(80.0);
  const torch::Tensor image = test::texture(3, 600, 90).to(torch::kFloat32);
  const torch::Tensor first = add_grain(image, model, 1.0, 2.0, 5);
  EXPECT_TRUE(torch::equal(add_grain(image, model, 1.0, 2.0, 5), first));
  EXPECT_FALSE(torch::equal(add_grain(image, model, 1.0, 2.0, 6), first));
  EXPECT_GE(first.min().item<double>(), 0.0);
  EXPECT_LE(first.max().item<double>(), 1.0);
  // Rows do not depend on those below, nor on how many are made at a time.
  const torch::Tensor top = add_grain(image.slice(2, 0, 300), model, 1.0, 2.0, 5);
  EXPECT_LT(max_difference(top, first.slice(2, 0, 300)), 1e-6);
}

TEST(Grain, PassesBetweenGrayAndColour) {
  const GrainModel gray = model_of({.level = 6.0, .size_px = 0.8, .midtone = 0.0}, 1);
  EXPECT_EQ(gray.channels, 1);
  const torch::Tensor colour = slope(3, 256, 256, 0.3, 0.7);
  const torch::Tensor added = residual(add_grain(colour, gray, 1.0, 1.0, 9), colour);
  EXPECT_LT(max_difference(added[0], added[2]), 1e-3);
  const GrainModel rgb = model_of({.level = 6.0, .size_px = 0.8, .chroma = 1.0, .midtone = 0.0});
  const torch::Tensor plain = slope(1, 256, 256, 0.3, 0.7);
  // The luma of independent channels: sqrt(0.299^2 + 0.587^2 + 0.114^2) = 0.6686 of their level.
  EXPECT_NEAR(rms(residual(add_grain(plain, rgb, 1.0, 1.0, 9), plain)), 6.0 * 0.6686, 0.3);
}

TEST(Grain, NothingTakenOffIsNothingPutBack) {
  const torch::Tensor image = test::texture(3, 64, 64).to(torch::kFloat32);
  const GrainModel model = analyse_grain(image, image);
  EXPECT_EQ(max_difference(add_grain(image, model, 1.0, 1.0, 5), image), 0.0);
  EXPECT_FALSE(model.is_film_like());
}

TEST(Grain, TellsFilmFromDigitalNoise) {
  EXPECT_TRUE(model_of({.level = 8.0, .size_px = 0.8, .chroma = 0.2, .midtone = 0.5}).is_film_like());
  EXPECT_TRUE(model_of({.level = 8.0, .size_px = 0.8}, 1).is_film_like());
  EXPECT_FALSE(model_of({.level = 8.0, .size_px = 0.0, .chroma = 0.0}).is_film_like());  // white
  EXPECT_FALSE(model_of({.level = 8.0, .size_px = 0.8, .chroma = 0.8}).is_film_like());  // chroma
  EXPECT_FALSE(model_of({.level = 0.5, .size_px = 0.8, .chroma = 0.0}).is_film_like());  // next to nothing
  const torch::Tensor clean = slope(3, 512, 512, 0.05, 0.95);
  const torch::Tensor camera = add_camera_noise(clean, 0.01, 0.01, 3);
  EXPECT_FALSE(analyse_grain(camera, add_camera_noise(clean, 0.0, 0.0, 3)).is_film_like());
}

TEST(Grain, JsonKeepsEveryFieldToTheLastBit) {
  for (const int64_t channels : {1, 3}) {
    const GrainModel model = model_of({.level = 6.0, .size_px = 0.8, .chroma = 0.3}, channels);
    const std::string text = to_json(model).dump();
    const GrainModel read = grain_from_json(nlohmann::ordered_json::parse(text));
    EXPECT_EQ(read.level, model.level);
    EXPECT_EQ(read.measured, model.measured);
    EXPECT_EQ(read.filter, model.filter);
    EXPECT_EQ(read.covariance, model.covariance);
    EXPECT_EQ(to_json(read).dump(), text);
  }
}

TEST(Grain, BadValuesAreRefused) {
  const GrainModel model = model_of({.level = 6.0});
  const auto changed = [&](const char* name, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json json = to_json(model);
    json[name] = value;
    return json;
  };
  EXPECT_THROW(grain_from_json(changed("channels", 2)), InputError);
  EXPECT_THROW(grain_from_json(changed("level", {1, 2, 3})), InputError);
  EXPECT_THROW(grain_from_json(changed("level", {1, 2, 3, 4, 5, 6, 7, -8})), InputError);
  EXPECT_THROW(grain_from_json(changed("filter", std::vector<double>(121, 0.5))), InputError);
  EXPECT_THROW(grain_from_json(changed("covariance", "none")), InputError);
  EXPECT_THROW(grain_from_json(nlohmann::ordered_json::object()), InputError);

  const torch::Tensor image = torch::full({1, 3, 64, 64}, 0.5F);
  EXPECT_THROW(analyse_grain(image, image.slice(2, 0, 32)), OptionError);
  EXPECT_THROW(analyse_grain(image.slice(2, 0, 16), image.slice(2, 0, 16)), OptionError);
  EXPECT_THROW(add_grain(image, model, -1.0, 1.0, 1), OptionError);
  EXPECT_THROW(add_grain(image, model, 1.0, 0.5, 1), OptionError);
  EXPECT_THROW(add_grain(image, model, 1.0, 4.0, 1, 9.0), OptionError);
}

}  // namespace
}  // namespace zsr
