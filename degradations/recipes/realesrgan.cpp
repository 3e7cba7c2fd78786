// Wang et al., "Real-ESRGAN: training real-world blind super-resolution with pure synthetic data", 2021. Parameters of
// the authors' code: BasicSR data/realesrgan_dataset.py, models/realesrgan_model.py, options/train/RealESRGAN. Differs
// from it: JPEG is libjpeg's and its quality a whole number, where the training code has a differentiable imitation.
#include "degradations/recipes/draft.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

// What differs between the first and the second round.
struct Round {
  double blur_chance;
  Range sigma;
  double up_chance;
  double down_chance;
  Range resize;
  Range noise_level;
  Range poisson_strength;
};

constexpr Round kFirst{1.0, {0.2, 3.0}, 0.2, 0.7, {0.15, 1.5}, {1.0, 30.0}, {0.05, 3.0}};
constexpr Round kSecond{0.8, {0.2, 1.5}, 0.3, 0.4, {0.3, 1.2}, {1.0, 25.0}, {0.05, 2.5}};
constexpr double kSincChance = 0.1;
constexpr double kFinalSincChance = 0.8;

int64_t any_size(Draft& draft) {
  return 2 * draft.whole(3, 10) + 1;  // 7, 9, ... 21
}

KernelSpec sinc(Draft& draft, int64_t size, double lowest) {
  KernelSpec spec{.family = KernelFamily::kSinc, .size = size};
  spec.cutoff = draft.uniform({lowest, std::numbers::pi});
  return spec;
}

// Shapes of the generalised families lie on both sides of 1 with equal chance.
double any_shape(Draft& draft, Range range) {
  return draft.chance(0.5) ? draft.uniform({range.low, 1.0}) : draft.uniform({1.0, range.high});
}

KernelSpec any_kernel(Draft& draft, Range sigma) {
  const int64_t size = any_size(draft);
  if (draft.chance(kSincChance)) return sinc(draft, size, std::numbers::pi / (size < 13 ? 3.0 : 5.0));
  KernelSpec spec{.size = size};
  const double kind = draft.random().uniform();
  // iso .45, aniso .25, generalised iso .12 and aniso .03, plateau iso .12 and aniso .03
  const bool isotropic = kind < 0.45 || (kind >= 0.70 && kind < 0.82) || (kind >= 0.85 && kind < 0.97);
  spec.sigma_1 = draft.uniform(sigma);
  spec.sigma_2 = isotropic ? spec.sigma_1 : draft.uniform(sigma);
  if (!isotropic) spec.angle = draft.uniform({-std::numbers::pi, std::numbers::pi});
  if (kind >= 0.85) {
    spec.family = KernelFamily::kPlateau;
    spec.beta = any_shape(draft, {1.0, 2.0});
  } else if (kind >= 0.70) {
    spec.family = KernelFamily::kGeneralized;
    spec.beta = any_shape(draft, {0.5, 4.0});
  }
  return spec;
}

ResizeMethod any_resize(Draft& draft) {
  constexpr ResizeMethod kMethods[] = {ResizeMethod::kTorchArea, ResizeMethod::kTorchBilinear,
                                       ResizeMethod::kTorchBicubic};
  return kMethods[draft.random().index(3)];
}

void add_blur(Draft& draft, const KernelSpec& kernel) {
  draft.add(BlurStep{.kernel = kernel, .border = Border::kReflect});
}

// `base`: the size that the random factor refers to.
void add_round(Draft& draft, const Round& round, Size base) {
  if (draft.chance(round.blur_chance)) add_blur(draft, any_kernel(draft, round.sigma));
  const double kind = draft.random().uniform();
  double factor = 1.0;
  if (kind < round.up_chance) {
    factor = draft.uniform({1.0, round.resize.high});
  } else if (kind < round.up_chance + round.down_chance) {
    factor = draft.uniform({round.resize.low, 1.0});
  }
  draft.resize(divided(base, 1.0 / factor), any_resize(draft));
  const bool gaussian = draft.chance(0.5);
  const NoiseColor color = draft.chance(0.4) ? NoiseColor::kGray : NoiseColor::kColor;
  if (gaussian) {
    const double level = draft.uniform(round.noise_level);
    draft.add(GaussianNoiseStep{{.level = level, .color = color, .seed = draft.seed()}});
  } else {
    const double strength = draft.uniform(round.poisson_strength);
    draft.add(PoissonStep{.photons = 0.0, .strength = strength, .color = color, .seed = draft.seed()});
  }
}

class RealEsrgan : public Recipe {
 public:
  explicit RealEsrgan(int64_t scale) : scale_(scale) {}
  nlohmann::ordered_json describe() const override { return {{"name", "realesrgan"}, {"scale", scale_}}; }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const Size target{hr.height / scale_, hr.width / scale_};
    draft.add(SharpenStep{});  // the training target is sharpened, and the LR made from it
    add_round(draft, kFirst, hr);
    draft.add_jpeg();
    add_round(draft, kSecond, target);
    const bool with_sinc = draft.chance(kFinalSincChance);
    const KernelSpec last = sinc(draft, any_size(draft), std::numbers::pi / 3.0);
    const auto to_target = [&] {
      draft.resize(target, any_resize(draft));
      if (with_sinc) add_blur(draft, last);
    };
    if (draft.chance(0.5)) {
      to_target();
      draft.add_jpeg();
    } else {
      draft.add_jpeg();
      to_target();
    }
    draft.add(RoundStep{});
    return draft.take();
  }

 private:
  int64_t scale_;
};

}  // namespace

std::unique_ptr<Recipe> make_realesrgan_recipe(const RecipeOptions& options) {
  return std::make_unique<RealEsrgan>(std::llround(options.scale.y));
}

}  // namespace zsr
