// Photos as people bring them, most of them mildly damaged: optical or focus blur, a camera's sharpening, noise or film
// grain (noise made correlated by a later resize), JPEG once or twice. One of eight is a clean bicubic downscale. The
// order follows a photo's life: lens, sensor or film, scan or edit at another size, file. Ranges are ours; how often
// each kind of damage occurs follows what we counted in old photos and photos from the web.
#include "degradations/recipes/draft.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

constexpr double kCleanChance = 0.125;
constexpr double kBlurChance = 0.75;
constexpr double kSharpenChance = 0.2;
constexpr double kResampledChance = 0.35;
constexpr double kNoiseChance = 0.6;
constexpr double kGrainChance = 0.3;
constexpr double kHeaviestNoise = 45.0;
constexpr double kJpegChance = 0.6;
constexpr double kTwiceChance = 0.25;

ResizeMethod any_method(Draft& draft) {
  constexpr ResizeMethod kMethods[] = {ResizeMethod::kMatlabCubic, ResizeMethod::kOpenCvArea,
                                       ResizeMethod::kOpenCvCubic, ResizeMethod::kOpenCvLinear};
  return kMethods[draft.random().index(4)];
}

Size times(Size size, double factor) {
  return {std::max<int64_t>(8, std::llround(static_cast<double>(size.height) * factor)),
          std::max<int64_t>(8, std::llround(static_cast<double>(size.width) * factor))};
}

// Up to 0.9 pixels of the small photo; narrow blurs are the most frequent.
void add_lens_blur(Draft& draft, double scale) {
  const auto sigma = [&] {
    const double u = draft.random().uniform();
    return std::max(0.15, scale * (0.1 + 0.8 * u * std::sqrt(u)));
  };
  BlurStep blur;
  blur.border = Border::kReflect;
  blur.kernel.sigma_1 = sigma();
  blur.kernel.sigma_2 = draft.chance(0.6) ? blur.kernel.sigma_1 : sigma();
  blur.kernel.angle = draft.uniform({0.0, std::numbers::pi});
  const double widest = std::max(blur.kernel.sigma_1, blur.kernel.sigma_2);
  blur.kernel.size = 2 * static_cast<int64_t>(std::ceil(3.0 * widest)) + 1;
  draft.add(blur);
}

// Low levels are the most frequent: half of the photos have less than 6.
void add_photo_noise(Draft& draft) {
  const double u = draft.random().uniform();
  const double level = 0.5 + (kHeaviestNoise - 0.5) * u * u * u;
  if (draft.chance(kGrainChance)) {
    draft.add(GrainStep{.level = level,
                        .size_px = draft.uniform({0.0, 1.2}),
                        .chroma = draft.chance(0.5) ? 0.0 : draft.random().uniform(),
                        .midtone = draft.random().uniform(),
                        .seed = draft.seed()});
    return;
  }
  if (draft.chance(0.2)) {
    draft.add(PoissonStep{.photons = 0.0, .strength = level / 12.0, .color = NoiseColor::kColor, .seed = draft.seed()});
    return;
  }
  GaussianNoiseStep noise;
  noise.level = level;
  const double kind = draft.random().uniform();
  noise.color = kind < 0.35 ? NoiseColor::kGray : kind < 0.75 ? NoiseColor::kColor : NoiseColor::kCorrelated;
  if (noise.color == NoiseColor::kCorrelated)
    noise.covariance = random_covariance(level * std::numbers::sqrt2, draft.random());
  noise.seed = draft.seed();
  draft.add(noise);
}

// High qualities are more frequent: half of the photos have more than 69.
int64_t any_quality(Draft& draft) {
  const double u = draft.random().uniform();
  return std::llround(98.0 - 83.0 * u * std::sqrt(u));
}

class PhotoRecipe : public Recipe {
 public:
  explicit PhotoRecipe(int64_t scale) : scale_(scale) {}
  nlohmann::ordered_json describe() const override { return {{"name", "photo"}, {"scale", scale_}}; }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const Size target{hr.height / scale_, hr.width / scale_};
    if (draft.chance(kCleanChance)) {
      if (scale_ > 1) draft.resize(target, ResizeMethod::kMatlabCubic8Bit);
      draft.add(RoundStep{});
      return draft.take();
    }
    if (draft.chance(kBlurChance)) add_lens_blur(draft, static_cast<double>(scale_));
    // Where noise comes in: at the size of the file, or at that of the film or an earlier file.
    const bool resampled = draft.chance(kResampledChance);
    draft.resize(resampled ? times(target, draft.uniform({0.55, 1.3})) : target, any_method(draft));
    if (draft.chance(kSharpenChance)) {
      draft.add(
          SharpenStep{.weight = draft.uniform({0.2, 0.8}), .radius = 2 * draft.whole(1, 3) + 1, .threshold = 0.0});
    }
    const bool noisy = draft.chance(kNoiseChance);
    if (noisy) add_photo_noise(draft);
    const bool compressed = draft.chance(kJpegChance);
    if (compressed && draft.chance(kTwiceChance)) draft.add(JpegStep{any_quality(draft)});
    if (!(draft.size() == target)) draft.resize(target, any_method(draft));
    if (compressed) draft.add(JpegStep{any_quality(draft)});
    draft.add(RoundStep{});
    return draft.take();
  }

 private:
  int64_t scale_;
};

}  // namespace

std::unique_ptr<Recipe> make_photo_recipe(const RecipeOptions& options) {
  return std::make_unique<PhotoRecipe>(std::llround(options.scale.y));
}

}  // namespace zsr
