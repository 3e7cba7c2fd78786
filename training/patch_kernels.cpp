#include "training/patch_kernels.h"

#include "degradations/kernel_families.h"
#include "image/resize.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::training {

// Low levels are more frequent: what noise hides cannot be learned, and its errors are large beside all others.
double draw_noise(const PatchOptions& options, Random& random, double hardness) {
  const double drawn = random.uniform();
  const double level = drawn * drawn * hardness * options.noise;
  return random.uniform() < options.noisy ? level : 0.0;
}

// SRMD's blur before imresize: anything from a point to as wide as the scale, along and across, in HR pixels.
BlurKernel draw_srmd_kernel(const PatchOptions& options, Random& random, double hardness) {
  constexpr double kPoint = 0.2;
  constexpr int64_t kSize = 15;
  const double widest = std::max(2.0 * kPoint, hardness * static_cast<double>(options.max_scale()));
  const double first = random.uniform() < options.sharp ? kPoint : random.uniform(kPoint, widest);
  const bool round = first == kPoint || random.uniform() < 0.3;
  const double second = round ? first : random.uniform(kPoint, widest);
  return make_kernel(
      {.size = kSize, .sigma_1 = first, .sigma_2 = second, .angle = random.uniform(0.0, std::numbers::pi)});
}

// Gaussians that leave no more than photos have between every `scale`-th pixel, and the widest that photos have.
BlurKernel draw_direct_kernel(int64_t scale, Random& random) {
  const auto s = static_cast<double>(scale);
  const double first = s * random.uniform(0.35, 1.1);
  const double second = random.uniform() < 0.5 ? first : s * random.uniform(0.35, 1.1);
  const double reach = random.uniform(2.0, 3.0) * std::max(first, second);  // files cut them off at different places
  return make_kernel({.size = 2 * static_cast<int64_t>(std::ceil(reach)) + 1,
                      .sigma_1 = first,
                      .sigma_2 = second,
                      .angle = random.uniform(0.0, std::numbers::pi)});
}

// Most photos' LR grid stands in the middle, that of image[::s] in a corner, which turns with the photo.
Phase draw_phase(int64_t scale, Random& random) {
  Phase phase = centered_phase({static_cast<double>(scale), static_cast<double>(scale)});
  if (random.uniform() < 0.6) return phase;
  phase.y *= random.uniform() < 0.5 ? 0.0 : 2.0;
  phase.x *= random.uniform() < 0.5 ? 0.0 : 2.0;
  return phase;
}

// The whole way down of a photo: bicubic, or a blur as wide as photos have.
BlurKernel draw_start_kernel(const PatchOptions& options, Random& random, double hardness) {
  const auto s = static_cast<double>(options.max_scale());
  KernelSpec spec;
  if (random.uniform() < options.sharp) {
    spec.family = KernelFamily::kBicubic;
    spec.scale = s;
  } else {
    constexpr double kNarrowest = 0.1;
    const double widest = std::max(2.0 * kNarrowest, 1.25 * hardness);
    spec.sigma_1 = s * random.uniform(kNarrowest, widest);
    spec.sigma_2 = random.uniform() < 0.3 ? spec.sigma_1 : s * random.uniform(kNarrowest, widest);
    spec.angle = random.uniform(0.0, std::numbers::pi);
    spec.size = 2 * static_cast<int64_t>(std::ceil(3.0 * std::max(spec.sigma_1, spec.sigma_2))) + 1;
    if (random.uniform() < 0.2) {
      spec.family = KernelFamily::kDiv2krk;
      spec.seed = random.bits();
    }
  }
  return make_kernel(spec);
}

// Any blur of 25 x 25 pixels: Gaussians, camera shake, straight motion, lenses out of focus, bicubic downscaling.
BlurKernel draw_any_kernel(const PatchOptions& options, int64_t scale, Random& random, double hardness) {
  constexpr int64_t kSize = 25;
  const auto s = static_cast<double>(scale);
  KernelSpec spec;
  spec.size = kSize;
  spec.angle = random.uniform(0.0, std::numbers::pi);
  spec.seed = random.bits();
  const double widest = 0.3 + hardness * (0.5 + 0.9 * s);
  const double kind = random.uniform();
  if (kind < 0.5) {
    spec.sigma_1 = random.uniform(0.3, widest);
    spec.sigma_2 = random.uniform() < 0.4 ? spec.sigma_1 : random.uniform(0.3, widest);
    if (random.uniform() < 0.1) spec.family = KernelFamily::kDiv2krk;
  } else if (kind < 0.8) {
    spec.family = KernelFamily::kShake;
    spec.length = random.uniform(3.0, 3.0 + hardness * 22.0);
  } else if (kind < 0.87) {
    spec.family = KernelFamily::kLine;
    spec.length = random.uniform(2.0, 2.0 + hardness * 16.0);
  } else if (kind < 0.95 || scale == 1) {
    spec.family = KernelFamily::kDisk;
    spec.radius = random.uniform(0.5, 0.5 + hardness * (2.0 + s));
  } else {
    spec.family = KernelFamily::kBicubic;
    spec.scale = s;
  }
  if (spec.family != KernelFamily::kBicubic && random.uniform() < options.sharp) {
    spec.family = KernelFamily::kGaussian;  // sharp photos
    spec.sigma_1 = spec.sigma_2 = random.uniform(0.2, 0.3 + 0.25 * s);
  }
  return make_kernel(spec);
}

}  // namespace zsr::training
