#pragma once

#include "core/run_context.h"
#include "degradations/flow_prior.h"

#include <cstdint>

namespace zsr::training {

/// How a kernel prior is trained (FKP/main.py): kernels alone, no photos.
struct KernelPriorOptions {
  int64_t scale = 2;            ///< 2, 3, 4 or 8.
  int64_t steps = 16000;        ///< > 0. Published: 100 epochs of 500.
  int64_t batch = 100;          ///< > 1.
  double learning_rate = 3e-3;  ///< > 0. Adam; halved at 40, 50, 60, 70, 80 and 90 %. Published: 1e-4.
  double weight_decay = 1e-6;   ///< >= 0.
  void validate() const;        ///< Throws OptionError.
};

/// `count` kernels [count, 1, side, side], sum 1: Gaussians whose variances are uniform in 0.175 scale to min(2.5
/// scale, 10) pixels squared and whose angle is uniform, centre at (side - scale) / 2 (KernelConvention::kFkp). Differs
/// from the release: there they are moved to that place by spline interpolation, here they are computed for it.
torch::Tensor draw_prior_kernels(int64_t count, int64_t side, int64_t scale, Random& random);

/// Mean of minus the log density (FlowPrior::log_density) over 2000 kernels drawn from `seed`: the smaller, the better
/// the prior knows what blur kernels look like.
double mean_negative_log_density(FlowPrior& prior, uint64_t seed = 0);

/// Maximum likelihood. The same options and seed give the same prior on one machine.
FlowPrior train_kernel_prior(const KernelPriorOptions& options, const RunContext& context = {});

}  // namespace zsr::training
