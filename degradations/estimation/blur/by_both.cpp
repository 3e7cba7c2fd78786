#include "core/error.h"
#include "degradations/estimation/blur/blur_evidence.h"
#include "degradations/estimation/blur/blur_family.h"
#include "degradations/estimation/blur/blur_regression.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/blur/spectrum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zsr::blur {
namespace {

// Predictor and spectrum by a rule, for photos unlike those of the regression.
struct Mean {
  Covariance covariance;
  double ratio = 0.0;  // of the spectrum's variance to the predictor's; 0 where the spectrum tells nothing
  bool agreed = false;
};

Mean mean_of(const BlurEvidence& evidence) {
  const Covariance patches = evidence.patches;
  Mean mean{patches};
  // Each errs in its own way: the spectrum where the photo's content falls off faster or slower than photos do, the
  // patches by the photo's own softness. Where they are near each other the mean is better than either; where they are
  // far apart it is the spectrum that failed.
  constexpr double kFarApart = 0.5;
  if (evidence.spectrum) {
    const Covariance& s = *evidence.spectrum;
    mean.ratio = (s.xx + s.yy) / (patches.xx + patches.yy);
    mean.agreed = mean.ratio > 0.0 && std::abs(std::log(mean.ratio)) < kFarApart;
    if (mean.agreed) {
      mean.covariance = {0.5 * (patches.xx + s.xx), 0.5 * (patches.yy + s.yy), 0.5 * (patches.xy + s.xy)};
    }
  }
  // How soft the photo was before nobody knows, so very wide and very narrow answers are more often wrong than right:
  // the size is moved a quarter of the way (in its logarithm) towards the middle of what downscalings have. Both
  // numbers from 27 photos of DIV2KRK. Not where the blur is about that of imresize.
  constexpr double kMiddle = 0.6;  // photo pixels squared
  constexpr double kShare = 0.25;
  const double size = 0.5 * (mean.covariance.xx + mean.covariance.yy);
  if (size > kLikeBicubic) {
    const double factor = std::pow(kMiddle / size, kShare);
    Covariance& c = mean.covariance;
    c = {factor * c.xx, factor * c.yy, factor * c.xy};
  }
  return mean;
}

Axes scaled(const Covariance& c, double area) {
  return axes_of(c.xx * area, c.yy * area, c.xy * area);
}

void judge_mean(const Mean& mean, Estimate& estimate) {
  lower(estimate, Verdict::kWeak, "the photo is unlike those that the estimate's error is known for");
  if (mean.agreed || estimate.bicubic) return;
  lower(estimate, Verdict::kWeak,
        mean.ratio > 0.0
            ? fmt::format("its spectrum tells a blur {:.1f} times as wide as its patches do", std::sqrt(mean.ratio))
            : std::string("its spectrum tells no blur"));
}

void take_answer(const BlurAnswer& answer, double scale, Estimate& estimate) {
  const double area = scale * scale;
  const Axes axes = scaled(answer.covariance, area);
  estimate.expected_error = answer.expected_error;
  estimate.interval_1 = {std::sqrt(axes.first) / answer.interval[0], std::sqrt(axes.first) * answer.interval[0]};
  estimate.interval_2 = {std::sqrt(axes.second) / answer.interval[1], std::sqrt(axes.second) * answer.interval[1]};
  set_kernel(estimate, gaussian_of(axes, scale));
  // Narrower Gaussians and the kernel of bicubic downscaling cannot be distinguished where the photo is soft by
  // itself. Chosen on BSDS500's even photos: one in a hundred of those that imresize made smaller has detail above
  // kDetail and looks more like a Gaussian than kSurelyGaussian; none is below kDetail.
  constexpr double kDetail = 2.0;
  constexpr double kSurelyGaussian = 0.8;
  constexpr double kSurelyBicubic = -0.5;
  constexpr double kNarrow = 0.25;  // photo pixels squared
  if (answer.gaussian < 0.0 && axes.first < kNarrow * area) {
    estimate.bicubic = true;
    estimate.kernel = fallback_kernel(scale);
  } else if (answer.gaussian < kSurelyGaussian && estimate.detail > kDetail) {
    estimate.perhaps_bicubic = true;
  }
  const bool sure = estimate.bicubic && answer.gaussian < kSurelyBicubic;
  if (estimate.perhaps_bicubic || (estimate.bicubic && !sure)) {
    lower(estimate, Verdict::kWeak,
          fmt::format("detail of {:.1f} levels at the scale of its pixels: bicubic downscaling of a soft photo looks "
                      "like that too",
                      estimate.detail));
  }
  if (!sure && answer.expected_error > answer.most_error) {
    lower(estimate, Verdict::kWeak,
          fmt::format("photos like this one are estimated with an error of {:.0f} % (variances)",
                      100.0 * answer.expected_error));
  }
}

// A disk or a line, where the photo's spectrum shows its zeros.
bool take_family(const torch::Tensor& photo, double scale, Estimate& estimate) {
  const double noise = estimate.noise > 1.0 ? estimate.noise / 255.0 : 0.0;
  const FamilyFit fit = fit_family(log_spectrum(photo), noise);
  // Blocks of JPEG have zeros of their own.
  constexpr int64_t kClean = 85;
  if (!is_certain(fit) || (estimate.jpeg_quality > 0 && estimate.jpeg_quality < kClean)) return false;
  KernelSpec spec{.family = fit.family};
  spec.radius = spec.length = estimate.family_size = fit.size * scale;
  spec.angle = fit.angle;
  spec.offset = 0.5 * (scale - 1.0);
  const double reach = fit.family == KernelFamily::kDisk ? spec.radius : 0.5 * spec.length;
  spec.size = 2 * static_cast<int64_t>(std::ceil(reach + spec.offset + 1.0)) + 1;
  estimate.family = fit.family;
  set_kernel(estimate, make_kernel(spec));
  constexpr double kSure = 0.5;
  if (fit.misfit > kSure * fit.next_misfit) {
    lower(estimate, Verdict::kWeak, "its spectrum shows the zeros of such a blur, but not clearly");
  }
  return true;
}

}  // namespace

void estimate_by_both(const torch::Tensor& photo, double scale, Estimate& estimate) {
  const double area = scale * scale;
  const BlurEvidence evidence = gather_evidence(photo, {estimate.noise, estimate.detail, estimate.jpeg_quality});
  // Smaller disks and shorter lines look like Gaussians.
  constexpr double kLeastForFamily = 0.35;  // photo pixels squared
  const Covariance& c = evidence.patches;
  const double widest = std::max(axes_of(c.xx, c.yy, c.xy).first,
                                 evidence.spectrum ? evidence.spectrum->xx + evidence.spectrum->yy : 0.0);
  if (widest > kLeastForFamily && take_family(photo, scale, estimate)) return;
  // Wider blurs than it was trained with the predictor cannot tell.
  if (evidence.spectrum) {
    const Axes axes = scaled(*evidence.spectrum, area);
    if (axes.first > kEnlarged * area) {
      set_gaussian(estimate, axes, scale);
      return;
    }
  }
  // Photos of the regression have 0.87 or more, but one in twenty; drawings and other pictures made by a computer 0.6.
  constexpr double kAlike = 0.75;
  const BlurAnswer answer = BlurRegression::shipped()(evidence, scale);
  const Mean mean = mean_of(evidence);
  const Axes axes = scaled(mean.covariance, area);
  constexpr double kSharp = 0.04;  // photo pixels squared; see set_gaussian
  if (answer.likeness < kAlike || axes.first < kSharp * area) {
    set_gaussian(estimate, axes, scale);
    judge_mean(mean, estimate);
  } else {
    take_answer(answer, scale, estimate);
  }
  estimate.spread = disagreement(evidence.quarters);
  estimate.compared = evidence.quarters.size() >= 2;
  constexpr double kDisagree = 0.35;  // of judge_quarters
  estimate.unconfirmed = !estimate.compared || estimate.spread > kDisagree || (!mean.agreed && !estimate.bicubic);
  if (estimate.spread >= kNoAgreement) judge_quarters(estimate, evidence.quarters);
}

}  // namespace zsr::blur
