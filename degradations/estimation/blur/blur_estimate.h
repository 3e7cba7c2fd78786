#pragma once

#include "core/run_context.h"
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

}  // namespace zsr::blur
