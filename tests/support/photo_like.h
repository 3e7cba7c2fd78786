#pragma once

#include "degradations/kernel_families.h"

#include <torch/types.h>

namespace zsr::test {

/// Noise with the spectrum of photos, power |f|^-2.4, in [0, 1].
inline torch::Tensor photo_like(int64_t side, uint64_t seed) {
  torch::manual_seed(seed);
  const torch::Tensor white = torch::fft_rfft2(torch::randn({side, side}, torch::kFloat64));
  const torch::Tensor fy = torch::fft_fftfreq(side, 1.0, torch::kFloat64).unsqueeze(1);
  const torch::Tensor fx = torch::fft_rfftfreq(side, 1.0, torch::kFloat64).unsqueeze(0);
  const torch::Tensor f = (fy.square() + fx.square()).sqrt().clamp_min(1.0 / static_cast<double>(side));
  const torch::Tensor image = torch::fft_irfft2(white * f.pow(-1.2), std::vector<int64_t>{side, side});
  const torch::Tensor scaled = (image - image.mean()) / image.std() * 0.15 + 0.5;
  return scaled.clamp(0.0, 1.0).to(torch::kFloat32).view({1, 1, side, side});
}

/// A Gaussian kernel for x2.
inline BlurKernel blur_of(double sigma_1, double sigma_2, double angle) {
  return make_kernel({.size = 21, .sigma_1 = sigma_1, .sigma_2 = sigma_2, .angle = angle, .offset = 0.5});
}

}  // namespace zsr::test
