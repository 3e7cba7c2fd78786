#include "core/error.h"
#include "degradations/estimation/blur/blur_estimate.h"

#include <fmt/format.h>

#include <cmath>

namespace zsr::blur {

void estimate_by_both(const torch::Tensor& photo, double scale, Estimate& estimate) {
  const double area = scale * scale;
  std::vector<std::array<double, 2>> quarters;
  const Covariance patches = covariance_by_predictor(photo, quarters);
  Covariance both = patches;
  bool agreed = false;
  double ratio = 1.0;
  try {
    const Covariance spectrum = covariance_by_spectrum(photo, estimate);
    // Wider blurs than it was trained with the predictor cannot tell.
    if (axes_of(spectrum.xx, spectrum.yy, spectrum.xy).first > kEnlarged) {
      set_gaussian(estimate, axes_of(spectrum.xx * area, spectrum.yy * area, spectrum.xy * area), scale);
      return;
    }
    // Each errs in its own way: the spectrum where the photo's content falls off faster or slower than photos do, the
    // patches by the photo's own softness. Where they are near each other the mean is better than either; where they
    // are far apart it is the spectrum that failed.
    constexpr double kFarApart = 0.5;
    ratio = (spectrum.xx + spectrum.yy) / (patches.xx + patches.yy);
    agreed = ratio > 0.0 && std::abs(std::log(ratio)) < kFarApart;
    if (agreed) {
      both = {0.5 * (patches.xx + spectrum.xx), 0.5 * (patches.yy + spectrum.yy), 0.5 * (patches.xy + spectrum.xy)};
    }
  } catch (const InputError&) {
    ratio = 0.0;  // its spectrum is lost in noise
  }
  // How soft the photo was before nobody knows, so very wide and very narrow answers are more often wrong than right:
  // the size is moved a quarter of the way (in its logarithm) towards the middle of what downscalings have. Both
  // numbers from 27 photos of DIV2KRK. Not where the blur is about that of imresize.
  constexpr double kMiddle = 0.6;  // photo pixels squared
  constexpr double kShare = 0.25;
  const double size = 0.5 * (both.xx + both.yy);
  if (size > kLikeBicubic) {
    const double factor = std::pow(kMiddle / size, kShare);
    both = {factor * both.xx, factor * both.yy, factor * both.xy};
  }
  set_gaussian(estimate, axes_of(both.xx * area, both.yy * area, both.xy * area), scale);
  if (quarters.size() < 2) {
    lower(estimate, Verdict::kWeak, "the photo is small: its quarters cannot be compared");
  } else {
    judge_quarters(estimate, quarters);
  }
  if (!agreed && !estimate.bicubic) {
    lower(estimate, Verdict::kWeak,
          ratio > 0.0
              ? fmt::format("its spectrum tells a blur {:.1f} times as wide as its patches do", std::sqrt(ratio))
              : std::string("its spectrum tells no blur"));
  }
}

}  // namespace zsr::blur
