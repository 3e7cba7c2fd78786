#include "kernelgan/estimate_adversary.h"

#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_families.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::kernelgan {

void estimate_by_adversary(const AdversaryRun& run_once, double scale, int64_t seeds, const RunContext& context,
                           blur::Estimate& estimate) {
  std::vector<BlurKernel> kernels;
  std::vector<std::array<double, 2>> variances;
  for (int64_t run = 0; run < seeds; ++run) {
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
    blur::lower(estimate, blur::Verdict::kReject, "the generator's kernel collapsed, with another seed too");
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
  estimate.spread = blur::disagreement(variances);
  BlurKernel kernel = kernels[best];
  if (scale == 4.0) {
    kernel = compose(kernel, 2);
  } else if (scale != 2.0) {
    // The Gaussian of the x2 kernel, scaled: what KernelGAN itself does not offer.
    const GaussianFit fit = fit_gaussian(kernel);
    const double factor = scale / 2.0;
    kernel =
        blur::gaussian_of({std::pow(fit.sigma_1 * factor, 2), std::pow(fit.sigma_2 * factor, 2), fit.angle}, scale);
    blur::lower(estimate, blur::Verdict::kWeak,
                "the kernel is the Gaussian fitted to the x2 kernel, scaled to this factor");
  }
  blur::set_kernel(estimate, kernel);
  if (estimate.spread > 0.35) {
    blur::lower(estimate, blur::Verdict::kWeak,
                fmt::format("{} seeds disagree by {:.0f} %", kernels.size(), 100.0 * estimate.spread));
  }
}

}  // namespace zsr::kernelgan
