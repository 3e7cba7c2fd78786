#include "core/error.h"
#include "degradations/noise.h"
#include "degradations/recipe.h"
#include "degradations/step_json.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <cmath>
#include <set>

namespace zsr {
namespace {

using test::max_difference;

// Grain on a flat image, [C, side, side] in 1/255.
torch::Tensor grain_on(double value, const FilmGrain& grain, int64_t channels = 3, int64_t side = 512) {
  const torch::Tensor flat = torch::full({1, channels, side, side}, value, torch::kFloat32);
  return (add_film_grain(flat, grain, 11) - flat).mul(255.0)[0].to(torch::kFloat64);
}

double deviation(const torch::Tensor& x) {
  return x.std().item<double>();
}

double correlation(const torch::Tensor& a, const torch::Tensor& b) {
  return (a * b).mean().item<double>() / std::sqrt((a * a).mean().item<double>() * (b * b).mean().item<double>());
}

// Correlation of vertical and of horizontal neighbours.
std::pair<double, double> neighbours(const torch::Tensor& plane) {
  return {correlation(plane.slice(0, 1), plane.slice(0, 0, -1)), correlation(plane.slice(1, 1), plane.slice(1, 0, -1))};
}

TEST(FilmGrain, HasTheLevelAskedForWhateverItsSize) {
  for (const double size : {0.0, 0.5, 1.0, 2.5}) {
    const torch::Tensor grain = grain_on(0.5, {.level = 8.0, .size_px = size});
    // The number of independent grains falls with their area, 4 pi sigma^2.
    const double independent = 512.0 * 512.0 / std::max(1.0, 4.0 * M_PI * size * size);
    EXPECT_NEAR(deviation(grain[0]), 8.0, 8.0 * 4.0 / std::sqrt(2.0 * independent)) << size;
    EXPECT_NEAR(grain.mean().item<double>(), 0.0, 4.0 * 8.0 / std::sqrt(independent) + 0.01) << size;
  }
  // The border is as strong as the middle.
  EXPECT_NEAR(deviation(grain_on(0.5, {.level = 8.0, .size_px = 2.5}, 1, 1024)[0].slice(0, 0, 2)), 8.0, 1.5);
}

// White noise behind a Gaussian of standard deviation s has the autocorrelation exp(-d^2 / (4 s^2)), where the samples
// are dense enough.
TEST(FilmGrain, NeighboursCorrelateAsBehindAGaussian) {
  for (const double size : {1.0, 2.0}) {
    const auto [vertical, horizontal] = neighbours(grain_on(0.5, {.level = 8.0, .size_px = size})[1]);
    const double expected = std::exp(-1.0 / (4.0 * size * size));
    EXPECT_NEAR(vertical, expected, 0.02) << size;
    EXPECT_NEAR(horizontal, expected, 0.02) << size;
  }
  const auto [vertical, horizontal] = neighbours(grain_on(0.5, {.level = 8.0, .size_px = 0.0})[1]);
  EXPECT_NEAR(vertical, 0.0, 0.01);
  EXPECT_NEAR(horizontal, 0.0, 0.01);
}

TEST(FilmGrain, ChannelsCorrelateByOneMinusChroma) {
  for (const double chroma : {0.0, 0.3, 1.0}) {
    const torch::Tensor grain = grain_on(0.5, {.level = 8.0, .size_px = 0.7, .chroma = chroma});
    EXPECT_NEAR(correlation(grain[0], grain[1]), 1.0 - chroma, 0.015);
    EXPECT_NEAR(correlation(grain[1], grain[2]), 1.0 - chroma, 0.015);
    for (int64_t c = 0; c < 3; ++c) EXPECT_NEAR(deviation(grain[c]), 8.0, 0.15);
  }
  const FilmGrain colour{.level = 8.0, .chroma = 1.0};
  EXPECT_LT(max_difference(grain_on(0.5, colour, 1), grain_on(0.5, {.level = 8.0}, 1)), 1e-9);  // gray has no chroma
}

TEST(FilmGrain, IsWeakerAwayFromMidtones) {
  const FilmGrain grain{.level = 6.0, .size_px = 0.0, .midtone = 0.8};
  EXPECT_NEAR(deviation(grain_on(0.5, grain, 1)), 6.0, 0.06);
  for (const double value : {0.2, 0.8}) {
    EXPECT_NEAR(deviation(grain_on(value, grain, 1)), 6.0 * (1.0 - 0.8 * 0.36), 0.06) << value;
  }
  EXPECT_EQ(grain_on(1.0, {.level = 6.0, .midtone = 1.0}, 1).abs().max().item<double>(), 0.0);
}

TEST(FilmGrain, FollowsItsSeedAndStaysInRange) {
  const torch::Tensor image = test::texture(3, 61, 47).to(torch::kFloat32);
  const torch::Tensor before = image.clone();
  const FilmGrain grain{.level = 60.0, .size_px = 1.3, .chroma = 0.4, .midtone = 0.0};
  const torch::Tensor first = add_film_grain(image, grain, 5);
  EXPECT_TRUE(torch::equal(add_film_grain(image, grain, 5), first));
  EXPECT_FALSE(torch::equal(add_film_grain(image, grain, 6), first));
  EXPECT_TRUE(torch::equal(image, before));
  EXPECT_GE(first.min().item<double>(), 0.0);
  EXPECT_LE(first.max().item<double>(), 1.0);
  EXPECT_EQ(add_film_grain(image.slice(2, 0, 1).slice(3, 0, 2), grain, 5).numel(), 6);
}

TEST(FilmGrain, RefusesValuesOutOfRange) {
  const torch::Tensor image = torch::full({1, 1, 8, 8}, 0.5F);
  for (const FilmGrain& bad : {FilmGrain{.level = -1.0}, FilmGrain{.level = NAN}, FilmGrain{.size_px = 17.0},
                               FilmGrain{.chroma = 1.1}, FilmGrain{.midtone = -0.1}}) {
    EXPECT_THROW(add_film_grain(image, bad, 1), OptionError);
  }
}

TEST(FilmGrain, RecipeFilesDrawItAndRecordsRepeatIt) {
  const test::TempDir dir;
  test::write_bytes(dir / "r.json", R"({"steps": [{"op": "grain", "level": [2, 12], "size_px": [0, 1.2],
    "chroma": {"any": [0, 0.5]}, "midtone": 0.4}]})");
  const auto recipe = load_recipe(dir / "r.json", {1.0, 1.0});
  const torch::Tensor image = test::texture(3, 32, 40).to(torch::kFloat32);
  std::set<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    const std::vector<Step> steps = recipe->draw({32, 40}, random);
    const auto& grain = std::get<GrainStep>(steps.at(0));
    EXPECT_TRUE(grain.level >= 2.0 && grain.level <= 12.0 && grain.size_px <= 1.2 && grain.midtone == 0.4);
    seeds.insert(grain.seed);
    const std::vector<Step> again = steps_from_json(nlohmann::ordered_json::parse(to_json(steps).dump()));
    EXPECT_TRUE(torch::equal(apply_steps(again, image), apply_steps(steps, image)));
  }
  EXPECT_EQ(seeds.size(), 50U);
}

}  // namespace
}  // namespace zsr
