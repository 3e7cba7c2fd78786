// Zhang et al., "Designing a practical degradation model for deep blind image super-resolution", 2021. Parameters of
// the authors' code, KAIR/utils/utils_blindsr.py. Differs from the paper: its camera model (ISP) is not published; like
// the released code, which then does nothing, these recipes leave it out.
#include "degradations/recipes/draft.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

ResizeMethod any_opencv(Draft& draft) {
  constexpr ResizeMethod kMethods[] = {ResizeMethod::kOpenCvLinear, ResizeMethod::kOpenCvCubic,
                                       ResizeMethod::kOpenCvArea};
  return kMethods[draft.random().index(3)];
}

void add_blur(Draft& draft, double scale) {
  BlurStep blur;
  blur.border = Border::kReflect;
  const double variance = 4.0 + scale;
  const double sigma = 2.0 + 0.2 * scale;
  constexpr double kLeast = 1e-3;  // zero is drawn as a kernel of one pixel
  if (draft.chance(0.5)) {
    blur.kernel.size = 2 * draft.whole(2, 11) + 3;
    blur.kernel.angle = draft.uniform({0.0, std::numbers::pi});
    blur.kernel.sigma_1 = std::max(kLeast, std::sqrt(draft.uniform({0.0, variance})));
    blur.kernel.sigma_2 = std::max(kLeast, std::sqrt(draft.uniform({0.0, variance})));
  } else {
    blur.kernel.size = 2 * draft.whole(2, 11) + 3;
    blur.kernel.sigma_1 = blur.kernel.sigma_2 = std::max(kLeast, draft.uniform({0.0, sigma}));
  }
  draft.add(blur);
}

template <typename Noise>
void add_noise(Draft& draft) {
  constexpr int64_t kLowest = 2;
  constexpr int64_t kHighest = 25;
  Noise noise;
  noise.level = static_cast<double>(draft.whole(kLowest, kHighest));
  const double kind = draft.random().uniform();
  if (kind > 0.6) {
    noise.color = NoiseColor::kColor;
  } else if (kind < 0.4) {
    noise.color = NoiseColor::kGray;
  } else {
    noise.color = NoiseColor::kCorrelated;
    noise.covariance = random_covariance(kHighest, draft.random());
  }
  noise.seed = draft.seed();
  draft.add(noise);
}

class Bsrgan : public Recipe {
 public:
  explicit Bsrgan(int64_t scale) : scale_(scale) {}
  nlohmann::ordered_json describe() const override { return {{"name", "bsrgan"}, {"scale", scale_}}; }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    const Size target{hr.height / scale_, hr.width / scale_};
    int64_t scale = scale_;
    if (scale_ == 4 && draft.chance(0.25)) {
      const Size half = divided(draft.size(), 2.0);
      draft.resize(half, draft.chance(0.5) ? any_opencv(draft) : ResizeMethod::kMatlabCubic);
      scale = 2;
    }
    enum { kFirstBlur, kSecondBlur, kFirstDown, kSecondDown, kNoise, kJpeg, kCamera, kCount };
    std::vector<int64_t> order = random_order(kCount, random);
    const auto first = std::find(order.begin(), order.end(), kFirstDown);
    const auto second = std::find(order.begin(), order.end(), kSecondDown);
    if (first > second) std::iter_swap(first, second);
    for (const int64_t step : order) {
      switch (step) {
        case kFirstBlur:
        case kSecondBlur:
          add_blur(draft, static_cast<double>(scale));
          break;
        case kFirstDown:
          add_first_down(draft, scale);
          break;
        case kSecondDown:
          draft.resize(target, any_opencv(draft));
          break;
        case kNoise:
          add_noise<GaussianNoiseStep>(draft);
          break;
        case kJpeg:
          if (draft.chance(0.9)) draft.add_jpeg();
          break;
        default:
          break;
      }
    }
    draft.add_jpeg();
    return draft.take();
  }

 private:
  // Mostly a resize by a random factor; else a Gaussian, moved so that sampling from the first pixel on is aligned.
  static void add_first_down(Draft& draft, int64_t scale) {
    if (draft.chance(0.75)) {
      const double factor = draft.uniform({1.0, 2.0 * static_cast<double>(scale)});
      draft.resize(divided(draft.size(), factor), any_opencv(draft));
      return;
    }
    BlurStep blur;
    blur.border = Border::kReflect;
    blur.kernel.size = 25;
    blur.kernel.sigma_1 = blur.kernel.sigma_2 = draft.uniform({0.1, 0.6 * static_cast<double>(scale)});
    blur.kernel.offset = 0.5 * static_cast<double>(scale - 1);
    draft.add(blur);
    draft.add(SubsampleStep{scale, 0});
  }

  int64_t scale_;
};

class BsrganPlus : public Recipe {
 public:
  explicit BsrganPlus(int64_t scale) : scale_(scale) {}
  nlohmann::ordered_json describe() const override { return {{"name", "bsrgan-plus"}, {"scale", scale_}}; }

  std::vector<Step> draw(Size hr, Random& random) const override {
    Draft draft(hr, random);
    std::vector<int64_t> order;
    if (draft.chance(0.5)) {
      order = random_order(13, random);
    } else {
      for (int64_t i = 0; i < 13; ++i) order.push_back(i);
      for (const int64_t begin : {2, 9}) {
        const std::vector<int64_t> part = random_order(4, random);
        for (int64_t i = 0; i < 4; ++i) order[begin + i] = begin + part[i];
      }
    }
    for (const int64_t step : order) add(draft, step);
    draft.resize({hr.height / scale_, hr.width / scale_}, any_opencv(draft));
    draft.add_jpeg();
    return draft.take();
  }

 private:
  void add(Draft& draft, int64_t step) const {
    switch (step) {
      case 0:
      case 7:
        return add_blur(draft, static_cast<double>(scale_));
      case 1:
      case 8:
        return add_resize(draft);
      case 2:
      case 9:
        return add_noise<GaussianNoiseStep>(draft);
      case 3:
      case 10:
        if (draft.chance(0.1)) add_poisson(draft);
        return;
      case 4:
      case 11:
        if (draft.chance(0.1)) add_noise<SpeckleStep>(draft);
        return;
      case 6:
        return draft.add_jpeg();
      default:  // 5 and 12: the camera model
        return;
    }
  }

  void add_resize(Draft& draft) const {
    const double kind = draft.random().uniform();
    double factor = 1.0;
    if (kind > 0.8) {
      factor = draft.uniform({1.0, 2.0});
    } else if (kind < 0.7) {
      factor = draft.uniform({0.5 / static_cast<double>(scale_), 1.0});
    }
    draft.resize(divided(draft.size(), 1.0 / factor), any_opencv(draft));
  }

  static void add_poisson(Draft& draft) {
    PoissonStep poisson;
    poisson.photons = std::pow(10.0, draft.uniform({2.0, 4.0}));
    poisson.color = draft.chance(0.5) ? NoiseColor::kColor : NoiseColor::kGray;
    poisson.seed = draft.seed();
    draft.add(poisson);
  }

  int64_t scale_;
};

}  // namespace

std::unique_ptr<Recipe> make_bsrgan_recipe(const RecipeOptions& options) {
  return std::make_unique<Bsrgan>(std::llround(options.scale.y));
}

std::unique_ptr<Recipe> make_bsrgan_plus_recipe(const RecipeOptions& options) {
  return std::make_unique<BsrganPlus>(std::llround(options.scale.y));
}

}  // namespace zsr
