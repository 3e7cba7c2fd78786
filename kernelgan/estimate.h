#pragma once

#include "core/run_context.h"
#include "degradations/kernel.h"
#include "kernelgan/fkp_adversary.h"
#include "kernelgan/kernelgan.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::kernelgan {

/// How far an estimated kernel can be trusted.
enum class Verdict {
  kGood,
  kWeak,    ///< Usable, but something speaks against it; see the reasons.
  kReject,  ///< Better to take the bicubic kernel.
};

std::string to_string(Verdict verdict);

/// How the blur of a photo is estimated.
struct EstimateOptions {
  std::string estimator = "combined";  ///< One of estimator_names().
  double scale = 2.0;                  ///< Factor the kernel is for, above 1 to 8.
  int64_t seeds = 1;                   ///< Runs of a random estimator, 1 to 20; the spread is reported.
  AdversarialOptions adversarial;      ///< Of the estimator kernelgan.
  FkpAdversaryOptions fkp;             ///< Of the estimator kernelgan-fkp.
  void validate() const;               ///< Throws OptionError.
};

/// What was found.
struct Estimate {
  BlurKernel kernel;     ///< Aligned for the scale; for the bicubic fallback see the verdict.
  bool bicubic = false;  ///< The blur is much like that of bicubic downscaling, whose kernel this then is.
  double sigma_1 = 0.0;  ///< Gaussian of the same moments, HR pixels, the larger one.
  double sigma_2 = 0.0;
  double angle = 0.0;  ///< Radians, of the first against the x axis.
  Verdict verdict = Verdict::kReject;
  std::vector<std::string> reasons;  ///< One line each, why the verdict is not good.
  double spread = 0.0;       ///< Disagreement of quadrants (spectrum) or seeds (kernelgan): relative, of variances.
  double noise = 0.0;        ///< Noise of the photo, 1/255.
  double detail = 0.0;       ///< What stands at the scale of its pixels beyond noise, 1/255.
  int64_t jpeg_quality = 0;  ///< Of a photo that was a JPEG; 0 = no trace.
  Summary summary;
};

/// The Gaussian of `share` times the estimate's covariance, to enlarge with when nobody can check the estimate: a
/// kernel too wide costs far more than one too narrow (on a blurred zebra an excess of 0.7 pixels squared costs 9 dB).
BlurKernel narrowed_kernel(const Estimate& estimate, double share, double scale);

/// Names of the estimators, the default first.
const std::vector<std::string>& estimator_names();

/// Estimates the blur kernel by which `photo` ([1, 1 or 3, h, w] float32 in [0, 1]) would be a downscaling of the sharp
/// photo by `scale`. Never throws for photos that hold too little: those get the verdict reject and the reason.
Estimate estimate_kernel(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context = {});

}  // namespace zsr::kernelgan
