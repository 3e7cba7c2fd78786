// Each recipe over 10,000 draws: ranges and probabilities are the published ones (the sources stand in recipes/*.cpp).
#include "degradations/recipe.h"

#include "core/error.h"
#include "degradations/step_fields.h"
#include "degradations/step_json.h"
#include "tests/support/program.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>

namespace zsr {
namespace {

constexpr int64_t kDraws = 10000;
constexpr Size kHr{320, 320};

using Steps = std::vector<Step>;

std::vector<Steps> draws(const std::string& name, double scale, int64_t count = kDraws, RecipeOptions options = {}) {
  options.scale = {scale, scale};
  const auto recipe = make_recipe(name, options);
  std::vector<Steps> all;
  for (int64_t i = 0; i < count; ++i) {
    Random random(derive_seed(static_cast<uint64_t>(i), name));
    all.push_back(recipe->draw(kHr, random));
  }
  return all;
}

template <typename Kind>
std::vector<Kind> of_kind(const Steps& steps) {
  std::vector<Kind> found;
  for (const Step& step : steps) {
    if (const auto* const one = std::get_if<Kind>(&step)) found.push_back(*one);
  }
  return found;
}

// The part of the values that fulfil the condition, against a probability, to 4.5 standard deviations.
template <typename Value, typename Condition>
void expect_part(const std::vector<Value>& values, const Condition& condition, double probability, const char* what) {
  const auto n = static_cast<double>(values.size());
  const auto part = static_cast<double>(std::count_if(values.begin(), values.end(), condition)) / n;
  EXPECT_NEAR(part, probability, 4.5 * std::sqrt(probability * (1.0 - probability) / n) + 1e-12) << what;
}

// All within [low, high], reaching both ends to 2 % of the range, with the mean of a uniform draw.
void expect_uniform(const std::vector<double>& values, double low, double high, const char* what) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*least, low) << what;
  EXPECT_LE(*most, high) << what;
  EXPECT_NEAR(*least, low, 0.02 * (high - low)) << what;
  EXPECT_NEAR(*most, high, 0.02 * (high - low)) << what;
  double sum = 0.0;
  for (const double value : values) sum += value;
  const auto n = static_cast<double>(values.size());
  EXPECT_NEAR(sum / n, 0.5 * (low + high), 4.5 * (high - low) / std::sqrt(12.0 * n) + 1e-12) << what;
}

template <typename Kind>
std::vector<double> values_of(const std::vector<Steps>& all, const std::function<double(const Kind&)>& value) {
  std::vector<double> values;
  for (const Steps& steps : all) {
    for (const Kind& one : of_kind<Kind>(steps)) values.push_back(value(one));
  }
  return values;
}

Size final_size(const Steps& steps) {
  Size size = kHr;
  for (const Step& step : steps) size = size_after(step, size);
  return size;
}

TEST(Recipes, EveryOneEndsAtTheLrSizeAndIsDrawnFromItsSeed) {
  for (const RecipeName& recipe : recipe_names()) {
    if (std::string(recipe.name) == "kmsr") continue;
    for (const double scale : {2.0, 3.0, 4.0}) {
      for (const Steps& steps : draws(recipe.name, scale, 50)) {
        const Size size = final_size(steps);
        const auto wanted = static_cast<int64_t>(
            scale == 3.0 && std::string(recipe.name) != "bsrgan" && std::string(recipe.name) != "bsrgan-plus" &&
                    std::string(recipe.name) != "realesrgan" && std::string(recipe.name) != "photo"
                ? std::ceil(320.0 / scale)
                : std::floor(320.0 / scale));
        EXPECT_EQ(size.height, wanted) << recipe.name << " x" << scale;
      }
    }
    EXPECT_EQ(to_json(draws(recipe.name, 4, 1)[0]).dump(), to_json(draws(recipe.name, 4, 1)[0]).dump());
  }
}

TEST(Recipes, EveryOneMakesAPictureForGrayAndColour) {
  for (const RecipeName& recipe : recipe_names()) {
    if (std::string(recipe.name) == "kmsr") continue;
    const auto made = make_recipe(recipe.name, {.scale = {2.0, 2.0}});
    if (std::string(recipe.name) == "camera") continue;  // makes no picture: tests/degradations/mosaic_test.cpp
    for (const int64_t channels : {1, 3}) {
      const torch::Tensor hr = test::texture(channels, 64, 72).to(torch::kFloat32);
      for (uint64_t seed = 0; seed < 5; ++seed) {
        Random random(seed);
        const torch::Tensor lr = apply_steps(made->draw({64, 72}, random), hr);
        EXPECT_EQ(lr.sizes(), (std::vector<int64_t>{1, channels, 32, 36})) << recipe.name;
        EXPECT_TRUE(torch::isfinite(lr).all().item<bool>());
        EXPECT_LT((lr.mean() - hr.mean()).abs().item<double>(), 0.15) << recipe.name;
      }
    }
  }
}

TEST(Recipes, Srmd) {
  const auto all = draws("srmd", 2);
  expect_uniform(values_of<BlurStep>(all, [](const BlurStep& b) { return std::pow(b.kernel.sigma_1, 2); }), 0.1, 10.0,
                 "l1");
  for (const Steps& steps : all) {
    const auto blur = of_kind<BlurStep>(steps).at(0);
    EXPECT_LE(blur.kernel.sigma_2, blur.kernel.sigma_1);
    EXPECT_GE(blur.kernel.sigma_2, std::sqrt(0.1));
    EXPECT_EQ(blur.kernel.size, 15);
    EXPECT_EQ(blur.border, Border::kReplicate);
  }
  expect_uniform(values_of<BlurStep>(all, [](const BlurStep& b) { return b.kernel.angle; }), 0.0, std::numbers::pi,
                 "angle");
  expect_uniform(values_of<GaussianNoiseStep>(all, [](const GaussianNoiseStep& n) { return n.level; }), 0.0, 75.0,
                 "noise");
}

TEST(Recipes, Div2krk) {
  for (const double scale : {2.0, 4.0}) {
    const auto all = draws("div2krk", scale);
    const auto variance_1 = [](const BlurStep& b) { return std::pow(b.kernel.sigma_1, 2); };
    const auto variance_2 = [](const BlurStep& b) { return std::pow(b.kernel.sigma_2, 2); };
    expect_uniform(values_of<BlurStep>(all, variance_1), 0.175 * scale, 2.5 * scale, "first variance");
    expect_uniform(values_of<BlurStep>(all, variance_2), 0.175 * scale, 2.5 * scale, "second variance");
    const auto blur = of_kind<BlurStep>(all[0]).at(0);
    EXPECT_EQ(blur.kernel.size, scale == 2.0 ? 11 : 31);
    EXPECT_EQ(blur.kernel.noise, 0.4);
    EXPECT_NEAR(make_kernel(blur.kernel).phase().y, 0.5 * (scale - 1.0), 0.02);
  }
}

TEST(Recipes, Fkp) {
  for (const double scale : {2.0, 3.0, 4.0}) {
    const auto all = draws("fkp", scale);
    const auto variance_1 = [](const BlurStep& b) { return std::pow(b.kernel.sigma_1, 2); };
    expect_uniform(values_of<BlurStep>(all, variance_1), 0.175 * scale, std::min(2.5 * scale, 10.0), "first variance");
    expect_uniform(values_of<BlurStep>(all, [](const BlurStep& b) { return b.kernel.angle; }), 0.0, std::numbers::pi,
                   "angle");
    const auto blur = of_kind<BlurStep>(all[0]).at(0);
    EXPECT_EQ(blur.border, Border::kWrap);
    const BlurKernel kernel = make_kernel(blur.kernel);
    EXPECT_EQ(kernel.height(), static_cast<int64_t>(4 * scale + 3));
    // A wide kernel loses a little at the edge that it stands nearer to.
    EXPECT_NEAR(kernel.center_of_mass()[0], 0.5 * (static_cast<double>(kernel.height()) - scale), 0.3);
  }
}

TEST(Recipes, Bsrgan) {
  const auto all = draws("bsrgan", 4);
  // Early halving: the first resize goes to half before the shuffled steps. It happens with probability 1/4; seen by
  // the blurs' upper variance bound (6 instead of 8) and the number of resizes and subsamplings (3 instead of 2).
  const auto downs = [](const Steps& s) { return of_kind<ResizeStep>(s).size() + of_kind<SubsampleStep>(s).size(); };
  expect_part(
      all, [&](const Steps& s) { return downs(s) == 3; }, 0.25, "early halving");
  expect_part(
      all, [&](const Steps& s) { return !of_kind<SubsampleStep>(s).empty(); }, 0.25, "Gaussian first downsampling");
  // JPEG: 0.9 in the shuffle, always last.
  expect_part(
      all, [](const Steps& s) { return of_kind<JpegStep>(s).size() == 2; }, 0.9, "shuffled JPEG");
  for (const Steps& steps : all) {
    ASSERT_TRUE(std::holds_alternative<JpegStep>(steps.back()));
    ASSERT_EQ(of_kind<GaussianNoiseStep>(steps).size(), 1U);
    ASSERT_EQ(of_kind<BlurStep>(steps).size(), 2U + of_kind<SubsampleStep>(steps).size());
  }
  expect_uniform(values_of<JpegStep>(all, [](const JpegStep& j) { return static_cast<double>(j.quality); }), 30, 95,
                 "quality");
  expect_uniform(values_of<GaussianNoiseStep>(all, [](const GaussianNoiseStep& n) { return n.level; }), 2, 25, "noise");
  std::vector<GaussianNoiseStep> noise;
  std::vector<BlurStep> blurs;
  for (const Steps& steps : all) {
    noise.push_back(of_kind<GaussianNoiseStep>(steps)[0]);
    if (downs(steps) == 3) continue;
    for (const BlurStep& blur : of_kind<BlurStep>(steps)) {
      if (blur.kernel.offset == 0.0) blurs.push_back(blur);
    }
  }
  expect_part(
      noise, [](const auto& n) { return n.color == NoiseColor::kColor; }, 0.4, "colour");
  expect_part(
      noise, [](const auto& n) { return n.color == NoiseColor::kGray; }, 0.4, "gray");
  expect_part(
      noise, [](const auto& n) { return n.color == NoiseColor::kCorrelated; }, 0.2, "correlated");
  const auto is_isotropic = [](const BlurStep& b) { return b.kernel.sigma_1 == b.kernel.sigma_2; };
  expect_part(blurs, is_isotropic, 0.5, "isotropic");
  std::vector<double> widths;
  std::vector<double> variances;
  std::vector<double> sizes;
  for (const BlurStep& blur : blurs) {
    (is_isotropic(blur) ? widths : variances)
        .push_back(is_isotropic(blur) ? blur.kernel.sigma_1 : std::pow(blur.kernel.sigma_1, 2));
    sizes.push_back(static_cast<double>(blur.kernel.size));
    EXPECT_EQ(blur.kernel.size % 2, 1);
  }
  expect_uniform(widths, 0.0, 2.8, "isotropic width");
  expect_uniform(variances, 0.0, 8.0, "variance");
  expect_uniform(sizes, 7, 25, "kernel size");
  // The two downsamplings keep their order: the second goes to the final size.
  for (const Steps& steps : all) EXPECT_EQ(final_size(steps), (Size{80, 80}));
  // The order is shuffled: noise comes before the first blur in 1 of 3 draws.
  const auto noise_first = [](const Steps& steps) {
    for (const Step& step : steps) {
      if (std::holds_alternative<GaussianNoiseStep>(step)) return true;
      const auto* const blur = std::get_if<BlurStep>(&step);
      if (blur != nullptr && blur->kernel.offset == 0.0) return false;
    }
    return false;
  };
  expect_part(all, noise_first, 1.0 / 3.0, "noise before both blurs");
}

TEST(Recipes, BsrganPlus) {
  const auto all = draws("bsrgan-plus", 4);
  std::vector<PoissonStep> poisson;
  std::vector<ResizeStep> last;
  int64_t speckle = 0;
  for (const Steps& steps : all) {
    for (const PoissonStep& p : of_kind<PoissonStep>(steps)) poisson.push_back(p);
    speckle += static_cast<int64_t>(of_kind<SpeckleStep>(steps).size());
    EXPECT_EQ(of_kind<GaussianNoiseStep>(steps).size(), 2U);
    EXPECT_EQ(of_kind<JpegStep>(steps).size(), 2U);
    EXPECT_EQ(of_kind<BlurStep>(steps).size(), 2U);
    EXPECT_EQ(of_kind<ResizeStep>(steps).size(), 3U);
  }
  const double expected = 0.2 * kDraws;
  EXPECT_NEAR(static_cast<double>(poisson.size()), expected, 4.5 * std::sqrt(expected));
  EXPECT_NEAR(static_cast<double>(speckle), expected, 4.5 * std::sqrt(expected));
  std::vector<double> exponents;
  for (const PoissonStep& p : poisson) exponents.push_back(std::log10(p.photons));
  expect_uniform(exponents, 2.0, 4.0, "photons");
  expect_part(
      poisson, [](const PoissonStep& p) { return p.color == NoiseColor::kGray; }, 0.5, "gray Poisson");
  // Half of the draws begin with a blur, as listed. Of the shuffled ones 2 in 7 to 9: seven steps always happen, two of
  // them blurs, four happen seldom, two never.
  const auto blur_first = [](const Steps& s) { return std::holds_alternative<BlurStep>(s.front()); };
  const auto part = static_cast<double>(std::count_if(all.begin(), all.end(), blur_first)) / kDraws;
  EXPECT_GT(part, 0.5 + 0.5 * 2.0 / 9.0 - 0.02);
  EXPECT_LT(part, 0.5 + 0.5 * 2.0 / 7.0 + 0.02);
}

TEST(Recipes, RealEsrgan) {
  const auto all = draws("realesrgan", 4);
  std::vector<KernelSpec> first;
  std::vector<GaussianNoiseStep> gaussian;
  std::vector<PoissonStep> poisson;
  std::vector<double> factor;
  int64_t second_blur = 0;
  int64_t last_sinc = 0;
  for (const Steps& steps : all) {
    ASSERT_TRUE(std::holds_alternative<SharpenStep>(steps.front()));
    ASSERT_TRUE(std::holds_alternative<RoundStep>(steps.back()));
    ASSERT_EQ(of_kind<JpegStep>(steps).size(), 2U);
    ASSERT_EQ(of_kind<GaussianNoiseStep>(steps).size() + of_kind<PoissonStep>(steps).size(), 2U);
    first.push_back(std::get<BlurStep>(steps[1]).kernel);
    factor.push_back(static_cast<double>(std::get<ResizeStep>(steps[2]).height) / 320.0);
    if (const auto* const noise = std::get_if<GaussianNoiseStep>(&steps[3])) gaussian.push_back(*noise);
    if (const auto* const noise = std::get_if<PoissonStep>(&steps[3])) poisson.push_back(*noise);
    if (std::holds_alternative<BlurStep>(steps[5])) ++second_blur;
    const auto resizes = of_kind<ResizeStep>(steps);
    ASSERT_EQ(resizes.size(), 3U);
    size_t at_last_resize = 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (std::holds_alternative<ResizeStep>(steps[i])) at_last_resize = i;
    }
    if (std::holds_alternative<BlurStep>(steps[at_last_resize + 1])) ++last_sinc;
  }
  const auto has = [](KernelFamily family) { return [family](const KernelSpec& k) { return k.family == family; }; };
  expect_part(first, has(KernelFamily::kSinc), 0.1, "sinc");
  expect_part(first, has(KernelFamily::kGaussian), 0.9 * 0.70, "Gaussian");
  expect_part(first, has(KernelFamily::kGeneralized), 0.9 * 0.15, "generalised");
  expect_part(first, has(KernelFamily::kPlateau), 0.9 * 0.15, "plateau");
  const auto turned = [](KernelFamily family) {
    return [family](const KernelSpec& k) { return k.family == family && k.sigma_1 != k.sigma_2; };
  };
  expect_part(first, turned(KernelFamily::kGaussian), 0.9 * 0.25, "anisotropic Gaussian");
  expect_part(first, turned(KernelFamily::kGeneralized), 0.9 * 0.03, "anisotropic generalised");
  expect_part(first, turned(KernelFamily::kPlateau), 0.9 * 0.03, "anisotropic plateau");
  std::vector<double> sigma;
  for (const KernelSpec& k : first) {
    EXPECT_EQ(k.size % 2, 1);
    EXPECT_TRUE(k.size >= 7 && k.size <= 21);
    if (k.family != KernelFamily::kSinc) {
      sigma.push_back(k.sigma_1);
    } else {
      EXPECT_GE(k.cutoff, std::numbers::pi / (k.size < 13 ? 3.0 : 5.0));
    }
    EXPECT_TRUE(k.family != KernelFamily::kGeneralized || (k.beta >= 0.5 && k.beta <= 4.0));
    EXPECT_TRUE(k.family != KernelFamily::kPlateau || (k.beta >= 1.0 && k.beta <= 2.0));
  }
  expect_uniform(sigma, 0.2, 3.0, "sigma");
  expect_part(
      factor, [](double f) { return f > 1.0; }, 0.2, "enlarged");
  expect_part(
      factor, [](double f) { return f == 1.0; }, 0.1 + 0.2 / 160.0, "kept");
  const auto [least, most] = std::minmax_element(factor.begin(), factor.end());
  EXPECT_NEAR(*least, 0.15, 0.01);
  EXPECT_NEAR(*most, 1.5, 0.01);
  EXPECT_NEAR(static_cast<double>(gaussian.size()), 0.5 * kDraws, 4.5 * std::sqrt(0.25 * kDraws));
  expect_part(
      gaussian, [](const auto& n) { return n.color == NoiseColor::kGray; }, 0.4, "gray");
  std::vector<double> levels;
  for (const auto& n : gaussian) levels.push_back(n.level);
  expect_uniform(levels, 1.0, 30.0, "first noise");
  std::vector<double> strengths;
  for (const auto& p : poisson) strengths.push_back(p.strength);
  expect_uniform(strengths, 0.05, 3.0, "Poisson strength");
  EXPECT_NEAR(static_cast<double>(second_blur), 0.8 * kDraws, 4.5 * std::sqrt(0.16 * kDraws));
  EXPECT_NEAR(static_cast<double>(last_sinc), 0.8 * kDraws, 4.5 * std::sqrt(0.16 * kDraws));
}

TEST(Recipes, ClassicalDrawsWhatWasAsked) {
  RecipeOptions options;
  options.blur_sigma = Range{0.5, 2.5};
  options.noise = Range{1.0, 9.0};
  options.jpeg = Range{60, 90};
  const auto all = draws("classical", 2, 3000, options);
  expect_uniform(values_of<BlurStep>(all, [](const BlurStep& b) { return b.kernel.sigma_1; }), 0.5, 2.5, "sigma");
  expect_uniform(values_of<GaussianNoiseStep>(all, [](const GaussianNoiseStep& n) { return n.level; }), 1, 9, "noise");
  expect_uniform(values_of<JpegStep>(all, [](const JpegStep& j) { return static_cast<double>(j.quality); }), 60, 90,
                 "jpeg");
  for (const Steps& steps : all) {
    const BlurKernel kernel = make_kernel(of_kind<BlurStep>(steps).at(0).kernel);
    EXPECT_NEAR(kernel.phase().y, 0.5, 0.02);
  }
}

TEST(Recipes, SettingsARecipeCannotHaveAreRefused) {
  EXPECT_THROW(make_recipe("nonsense", {}), OptionError);
  EXPECT_THROW(make_recipe("bsrgan", {.scale = {2.5, 2.5}}), OptionError);
  EXPECT_THROW(make_recipe("bsrgan", {.scale = {2.0, 3.0}}), OptionError);
  EXPECT_THROW(make_recipe("bicubic", {.scale = {0.5, 0.5}}), OptionError);
  EXPECT_THROW(make_recipe("bsrgan", {.noise = Range{1, 2}}), OptionError);
  EXPECT_THROW(make_recipe("classical", {.noise = Range{5, 2}}), OptionError);
  EXPECT_THROW(make_recipe("classical", {.jpeg = Range{0, 50}}), OptionError);
  EXPECT_THROW(make_recipe("kmsr", {}), OptionError);
  EXPECT_NO_THROW(make_recipe("bicubic", {.scale = {1.5, 2.5}}));
}

TEST(RecipeFile, DrawsWithinItsRangesAndEndsAtTheLrSize) {
  const test::TempDir dir;
  test::write_bytes(dir / "r.json", R"({
    "name": "my phone",
    "steps": [
      {"op": "blur", "probability": 0.5,
       "kernel": {"family": {"any": ["gaussian", "plateau"]}, "size": 9, "sigma_1": [1, 2], "sigma_2": 1, "angle": 0}},
      {"op": "resize", "factor": [0.6, 0.9], "method": {"any": ["opencv-area", "matlab-cubic"]}},
      {"op": "gaussian-noise", "level": [2, 4], "color": "correlated"},
      {"op": "jpeg", "quality": [50, 60]}
    ]})");
  const auto recipe = load_recipe(dir / "r.json", {2.0, 2.0});
  int64_t blurred = 0;
  std::vector<double> qualities;
  std::map<ResizeMethod, int64_t> methods;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    const Steps steps = recipe->draw({64, 64}, random);
    blurred += static_cast<int64_t>(of_kind<BlurStep>(steps).size());
    qualities.push_back(static_cast<double>(of_kind<JpegStep>(steps).at(0).quality));
    ++methods[of_kind<ResizeStep>(steps).at(0).method];
    Size size{64, 64};
    for (const Step& step : steps) size = size_after(step, size);
    EXPECT_EQ(size, (Size{32, 32}));
  }
  EXPECT_NEAR(static_cast<double>(blurred), 1000.0, 4.5 * std::sqrt(500.0));
  expect_uniform(qualities, 50, 60, "quality");
  EXPECT_NEAR(static_cast<double>(methods[ResizeMethod::kOpenCvArea]), 1000.0, 4.5 * std::sqrt(500.0));
  Random random(1);
  const torch::Tensor hr = test::texture(3, 64, 64).to(torch::kFloat32);
  EXPECT_EQ(apply_steps(recipe->draw({64, 64}, random), hr).size(2), 32);
}

}  // namespace
}  // namespace zsr
