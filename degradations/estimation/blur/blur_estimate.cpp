#include "degradations/estimation/blur/blur_estimate.h"

#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::blur {

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGood:
      return "good";
    case Verdict::kWeak:
      return "weak";
    case Verdict::kReject:
      break;
  }
  return "reject";
}

BlurKernel narrowed_kernel(const Estimate& estimate, double share, double scale) {
  return gaussian_of(
      {share * estimate.sigma_1 * estimate.sigma_1, share * estimate.sigma_2 * estimate.sigma_2, estimate.angle},
      scale);
}

Axes axes_of(double xx, double yy, double xy) {
  const double middle = 0.5 * (xx + yy);
  const double half = std::hypot(0.5 * (xx - yy), xy);
  return {middle + half, middle - half, half < 1e-12 ? 0.0 : 0.5 * std::atan2(2.0 * xy, xx - yy)};
}

// A Gaussian of that covariance (HR pixels), aligned for `scale`.
BlurKernel gaussian_of(const Axes& axes, double scale) {
  KernelSpec spec;
  spec.sigma_1 = std::sqrt(axes.first);
  spec.sigma_2 = std::sqrt(axes.second);
  spec.angle = axes.angle;
  spec.offset = 0.5 * (scale - 1.0);
  spec.size = 2 * static_cast<int64_t>(std::ceil(3.0 * spec.sigma_1 + spec.offset)) + 1;
  return make_kernel(spec);
}

BlurKernel fallback_kernel(double scale) {
  const double whole = std::round(scale);
  if (std::abs(scale - whole) < 1e-9 && whole >= 2.0) {
    return make_kernel({.family = KernelFamily::kBicubic, .scale = whole});
  }
  return gaussian_of({0.2 * scale * scale, 0.2 * scale * scale, 0.0}, scale);
}

void lower(Estimate& estimate, Verdict verdict, std::string reason) {
  estimate.verdict = std::max(estimate.verdict, verdict);
  estimate.reasons.push_back(std::move(reason));
}

void set_kernel(Estimate& estimate, const BlurKernel& kernel) {
  estimate.kernel = kernel;
  const GaussianFit fit = fit_gaussian(kernel);
  estimate.sigma_1 = fit.sigma_1;
  estimate.sigma_2 = fit.sigma_2;
  estimate.angle = fit.angle;
}

// Relative disagreement of variances: the mean distance from their mean, over both axes, against the mean variance.
double disagreement(const std::vector<std::array<double, 2>>& variances) {
  if (variances.size() < 2) return 0.0;
  double mean = 0.0;
  std::array<double, 2> center{};
  for (const auto& v : variances) {
    for (size_t a = 0; a < 2; ++a) center[a] += v[a] / static_cast<double>(variances.size());
  }
  mean = 0.5 * (center[0] + center[1]);
  double away = 0.0;
  for (const auto& v : variances) {
    for (size_t a = 0; a < 2; ++a) away += std::abs(v[a] - center[a]) / (2.0 * static_cast<double>(variances.size()));
  }
  return mean > 0.0 ? std::min(away / mean, kNoAgreement) : kNoAgreement;
}

void set_gaussian(Estimate& estimate, Axes axes, double scale) {
  const double area = scale * scale;
  const double least = 0.04 * area;
  if (axes.first < least) {
    lower(estimate, Verdict::kReject, "the photo is as sharp as its pixels allow (sharpened, or sampled without blur)");
    return;
  }
  // About what imresize and its like leave; their kernel fits better than a Gaussian.
  if (axes.first < kLikeBicubic * area) {
    estimate.bicubic = true;
    return;
  }
  axes.second = std::max(axes.second, least);
  // A blur as wide as that leaves nothing at the scale of the pixels (at most 1.3 levels in 27 photos of DIV2KRK): the
  // photo shows soft things sharply, and to sharpen them would raise its grain instead.
  constexpr double kDetail = 2.0;
  if (estimate.detail > kDetail) {
    lower(estimate, Verdict::kReject,
          fmt::format(
              "the photo looks soft (blur of {:.1f} and {:.1f} pixels of the larger photo), but has detail of {:.1f} "
              "levels at the scale of its pixels, which such a blur would have taken: soft by itself",
              std::sqrt(axes.first), std::sqrt(axes.second), estimate.detail));
    return;
  }
  set_kernel(estimate, gaussian_of(axes, scale));
  if (axes.first > kEnlarged * area) {
    lower(
        estimate, Verdict::kReject,
        fmt::format("the top of its spectrum is empty (blur of {:.1f} pixels at this size): it was enlarged before, or "
                    "is out of focus",
                    std::sqrt(axes.first / area)));
  }
}

void judge_quarters(Estimate& estimate, const std::vector<std::array<double, 2>>& variances) {
  estimate.compared = true;
  constexpr double kDisagree = 0.35;
  estimate.spread = disagreement(variances);
  if (estimate.spread >= kNoAgreement) {
    lower(estimate, Verdict::kReject, "the quarters of the photo show no blur");
  } else if (estimate.spread > kDisagree) {
    lower(estimate, Verdict::kWeak,
          fmt::format("the quarters of the photo disagree by {:.0f} %: the blur varies, or parts hold no texture",
                      100.0 * estimate.spread));
  }
}

}  // namespace zsr::blur
