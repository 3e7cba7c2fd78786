#pragma once

#include "core/run_context.h"
#include "degradations/estimation/blur/blur_estimate.h"
#include "degradations/kernel.h"
#include "kernelgan/fkp_adversary.h"
#include "kernelgan/kernelgan.h"

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace zsr::kernelgan {

using blur::Estimate;
using blur::narrowed_kernel;
using blur::to_string;
using blur::Verdict;

/// How the blur of a photo is estimated.
struct EstimateOptions {
  std::string estimator = "combined";  ///< One of estimator_names().
  double scale = 2.0;                  ///< Factor the kernel is for, above 1 to 8.
  int64_t seeds = 1;                   ///< Runs of a random estimator, 1 to 20; the spread is reported.
  AdversarialOptions adversarial;      ///< Of the estimator kernelgan.
  FkpAdversaryOptions fkp;             ///< Of the estimator kernelgan-fkp.
  void validate() const;               ///< Throws OptionError.
};

/// One way to estimate a kernel. `run` gets an Estimate that holds noise and JPEG quality of the photo, the fallback
/// kernel and the verdict good; it sets the kernel and lowers the verdict.
struct Estimator {
  std::string name;
  std::string title;  ///< One line: what it looks at.
  bool is_random;     ///< Its result depends on the seed; EstimateOptions::seeds applies.
  std::function<void(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context,
                     Estimate& estimate)>
      run;
};

/// All of them, the default first.
const std::vector<Estimator>& estimators();

/// Their names, the default first.
std::vector<std::string> estimator_names();

/// Estimates the blur kernel by which `photo` ([1, 1 or 3, h, w] float32 in [0, 1]) would be a downscaling of the sharp
/// photo by `scale`. Never throws for photos that hold too little: those get the verdict reject and the reason.
Estimate estimate_kernel(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context = {});

}  // namespace zsr::kernelgan
