#pragma once

#include "degradations/estimation/blur/blur_estimate.h"
#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/symmetric_log.h"

#include <torch/types.h>

#include <array>
#include <string>
#include <vector>

// What the estimators of blur share, and the estimators themselves (kernelgan/estimate.h lists them).
namespace zsr::blur {

constexpr double kNoAgreement = 10.0;  ///< Disagreement where the parts have no blur that could be compared.

/// Variances (larger, smaller) and angle of a covariance.
struct Axes {
  double first = 0.0;
  double second = 0.0;
  double angle = 0.0;
};
Axes axes_of(double xx, double yy, double xy);

/// A Gaussian of that covariance (HR pixels squared), aligned for `scale`.
BlurKernel gaussian_of(const Axes& axes, double scale);
/// The kernel of bicubic downscaling, or a Gaussian much like it where the scale is fractional.
BlurKernel fallback_kernel(double scale);
void lower(Estimate& estimate, Verdict verdict, std::string reason);
/// The kernel with the Gaussian fitted to it.
void set_kernel(Estimate& estimate, const BlurKernel& kernel);
/// `set_kernel` with a Gaussian of the axes (HR pixels squared), unless they are narrower than a downscaling can be or
/// so wide that the photo was enlarged before: then the verdict is reject and why.
void set_gaussian(Estimate& estimate, Axes axes, double scale);
/// Relative disagreement of variances: the mean distance from their mean, over both axes, against the mean variance.
double disagreement(const std::vector<std::array<double, 2>>& variances);
/// Keeps the disagreement of the photo's quarters and lowers the verdict when it is large.
void judge_quarters(Estimate& estimate, const std::vector<std::array<double, 2>>& variances);

/// Variances, in the photo's pixels squared, below which a blur is about what imresize and its like leave.
constexpr double kLikeBicubic = 0.17;
/// Above which the photo was enlarged before.
constexpr double kEnlarged = 1.6;

/// Variances along x and y (photo pixels squared) that the predictor gives to those quarters of a photo of `height` x
/// `width` pixels that hold enough of its patches.
std::vector<std::array<double, 2>> variances_of_quarters(const std::vector<PatchFeatures>& patches, int64_t height,
                                                         int64_t width);

/// In the photo's pixels: what the predictor says of the whole photo and, as variances along x and y, of those of its
/// quarters that hold enough. At least 64 x 64.
Covariance covariance_by_predictor(const torch::Tensor& photo, std::vector<std::array<double, 2>>& quarters);
/// What the spectrum says of the whole photo; `estimate` holds its noise and JPEG quality. Throws InputError.
Covariance covariance_by_spectrum(const torch::Tensor& photo, const Estimate& estimate);

/// Each gets an Estimate as kernelgan::Estimator says. `scale`: the factor that the kernel is for.
void estimate_by_both(const torch::Tensor& photo, double scale, Estimate& estimate);
void estimate_by_spectrum(const torch::Tensor& photo, double scale, Estimate& estimate);
void estimate_by_predictor(const torch::Tensor& photo, double scale, Estimate& estimate);

}  // namespace zsr::blur
