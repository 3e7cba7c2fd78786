#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"
#include "kernelgan/estimators.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::kernelgan {

void estimate_by_adversary(const torch::Tensor& photo, const EstimateOptions& options, const RunContext& context,
                           Estimate& estimate) {
  const auto run_once = [&](const RunContext& own) {
    return options.estimator == "kernelgan-fkp" ? run_fkp_adversarial(photo, options.fkp, own)
                                                : run_adversarial(photo, options.adversarial, own);
  };
  std::vector<BlurKernel> kernels;
  std::vector<std::array<double, 2>> variances;
  for (int64_t run = 0; run < options.seeds; ++run) {
    AdversarialResult result = [&] {
      RunContext own = context;
      own.seed = context.seed + static_cast<uint64_t>(run);
      AdversarialResult first = run_once(own);
      if (first.summary.termination != Termination::kDiverged) return first;
      own.seed += 1000003;  // once more from another start
      return run_once(own);
    }();
    estimate.summary.steps += result.summary.steps;
    estimate.summary.termination = result.summary.termination;
    if (result.summary.termination == Termination::kDiverged) continue;
    const GaussianFit fit = fit_gaussian(result.kernel);
    kernels.push_back(result.kernel);
    variances.push_back({fit.sigma_1 * fit.sigma_1, fit.sigma_2 * fit.sigma_2});
    if (result.summary.termination == Termination::kStopped) break;
  }
  if (kernels.empty()) {
    lower(estimate, Verdict::kReject, "the generator's kernel collapsed, with another seed too");
    return;
  }
  // The run in the middle of the others.
  size_t best = 0;
  double least = 1e300;
  for (size_t i = 0; i < kernels.size(); ++i) {
    double away = 0.0;
    for (const auto& other : variances) {
      away += std::abs(other[0] - variances[i][0]) + std::abs(other[1] - variances[i][1]);
    }
    if (away < least) {
      least = away;
      best = i;
    }
  }
  estimate.spread = disagreement(variances);
  BlurKernel kernel = kernels[best];
  if (options.scale == 4.0) {
    kernel = compose(kernel, 2);
  } else if (options.scale != 2.0) {
    // The Gaussian of the x2 kernel, scaled: what KernelGAN itself does not offer.
    const GaussianFit fit = fit_gaussian(kernel);
    const double factor = options.scale / 2.0;
    kernel =
        gaussian_of({std::pow(fit.sigma_1 * factor, 2), std::pow(fit.sigma_2 * factor, 2), fit.angle}, options.scale);
    lower(estimate, Verdict::kWeak, "the kernel is the Gaussian fitted to the x2 kernel, scaled to this factor");
  }
  set_kernel(estimate, kernel);
  if (estimate.spread > 0.35) {
    lower(estimate, Verdict::kWeak,
          fmt::format("{} seeds disagree by {:.0f} %", kernels.size(), 100.0 * estimate.spread));
  }
}

}  // namespace zsr::kernelgan
