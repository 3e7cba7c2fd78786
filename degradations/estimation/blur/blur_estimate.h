#pragma once

#include "core/run_context.h"
#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/symmetric_log.h"
#include "degradations/kernel.h"
#include "degradations/kernel_families.h"

#include <array>
#include <string>
#include <vector>

namespace zsr::blur {

/// How far an estimated kernel can be trusted.
enum class Verdict {
  kGood,
  kWeak,    ///< Usable, but something speaks against it; see the reasons.
  kReject,  ///< Better to take the bicubic kernel.
};

std::string to_string(Verdict verdict);

/// What was found.
struct Estimate {
  BlurKernel kernel;  ///< Aligned for the scale; for the bicubic fallback see the verdict.
  /// The blur is much like that of bicubic downscaling, whose kernel this then is; the widths are those of the Gaussian
  /// that is most like it.
  bool bicubic = false;
  /// kGaussian, or what the zeros of the photo's spectrum tell: kDisk (a lens out of focus) or kLine (straight motion);
  /// `kernel` is of that family then.
  KernelFamily family = KernelFamily::kGaussian;
  double family_size = 0.0;      ///< Radius of the disk, length of the line, HR pixels.
  bool perhaps_bicubic = false;  ///< A Gaussian, but a soft photo that imresize made smaller would look like it.
  double sigma_1 = 0.0;          ///< Gaussian of the same moments, HR pixels, the larger one.
  double sigma_2 = 0.0;
  double angle = 0.0;  ///< Radians, of the first against the x axis.
  /// Between which the true sigma_1 and sigma_2 lie in nine of ten photos; 0, 0 where that is not known.
  std::array<double, 2> interval_1{};
  std::array<double, 2> interval_2{};
  /// Spectrum, patches and quarters of the photo do not tell the same blur, or the photo is too small to ask its
  /// quarters: what is undone of it should be little.
  bool unconfirmed = false;
  double expected_error = 0.0;  ///< Of the variances, relative; 0 where it is not known.
  Verdict verdict = Verdict::kReject;
  std::vector<std::string> reasons;  ///< One line each, why the verdict is not good.
  int64_t photo_side = 0;            ///< Pixels of the photo's shorter side.
  bool compared = false;             ///< The photo is large enough that its quarters were compared with each other.
  double spread = 0.0;       ///< Disagreement of quadrants (spectrum) or seeds (kernelgan): relative, of variances.
  double noise = 0.0;        ///< Noise of the photo, 1/255.
  double detail = 0.0;       ///< What stands at the scale of its pixels beyond noise, 1/255.
  int64_t jpeg_quality = 0;  ///< Of a photo that was a JPEG; 0 = no trace.
  Summary summary;
};

/// The Gaussian of `share` times the estimate's covariance, to enlarge with when nobody can check the estimate: a
/// kernel too wide costs far more than one too narrow (on a blurred zebra an excess of 0.7 pixels squared costs 9 dB).
BlurKernel narrowed_kernel(const Estimate& estimate, double share, double scale);

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
