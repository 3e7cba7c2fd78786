#include "core/error.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/blur/spectrum.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::blur {

namespace {

BlurMoments moments_of(const torch::Tensor& part, const Estimate& estimate) {
  const double noise = estimate.noise > 1.0 ? estimate.noise / 255.0 : 0.0;
  // Compression empties the top of the spectrum, which would look like blur.
  const double high = estimate.jpeg_quality > 0 && estimate.jpeg_quality < 85 ? 0.28 : 0.42;
  return fit_blur(log_spectrum(part), noise, 0.08, high);
}

}  // namespace

Covariance covariance_by_spectrum(const torch::Tensor& photo, const Estimate& estimate) {
  const BlurMoments m = moments_of(photo, estimate);
  return {m.xx, m.yy, m.xy};
}

void estimate_by_spectrum(const torch::Tensor& photo, double scale, Estimate& estimate) {
  const double area = scale * scale;
  const BlurMoments whole = moments_of(photo, estimate);
  set_gaussian(estimate, axes_of(whole.xx * area, whole.yy * area, whole.xy * area), scale);

  const int64_t half_y = photo.size(2) / 2;
  const int64_t half_x = photo.size(3) / 2;
  if (std::min(half_y, half_x) >= 2 * LogSpectrum::kWindow) {
    std::vector<std::array<double, 2>> variances;
    for (const int64_t y : {int64_t{0}, photo.size(2) - half_y}) {
      for (const int64_t x : {int64_t{0}, photo.size(3) - half_x}) {
        try {
          const BlurMoments m = moments_of(photo.slice(2, y, y + half_y).slice(3, x, x + half_x), estimate);
          variances.push_back({m.xx, m.yy});
        } catch (const InputError&) {
          continue;
        }
      }
    }
    judge_quarters(estimate, variances);
  } else {
    lower(estimate, Verdict::kWeak, "the photo is small: its quarters cannot be compared");
  }
  constexpr double kOdd = 0.5;
  if (whole.residual > kOdd) {
    lower(estimate, Verdict::kWeak,
          fmt::format("its spectrum is not that of a blurred photo (residual {:.2f})", whole.residual));
  }
}

}  // namespace zsr::blur
