#include "training/kernel_prior.h"

#include "core/error.h"
#include "degradations/flow_prior.h"
#include "degradations/kernel.h"
#include "tests/support/test_images.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

TEST(KernelPrior, DrawsGaussiansWhereTheReleasePutsThem) {
  Random random(5);
  const torch::Tensor kernels = draw_prior_kernels(40, 19, 4, random);
  EXPECT_EQ(kernels.sizes(), (std::vector<int64_t>{40, 1, 19, 19}));
  double narrowest = 1e9;
  double widest = 0.0;
  for (int64_t i = 0; i < 40; ++i) {
    const BlurKernel kernel(kernels[i][0]);
    EXPECT_NEAR(kernels[i].sum().item<double>(), 1.0, 1e-5);
    // Turned half around it is aligned: its phase is (scale - 1) / 2. The array cuts wide ones a little.
    const Phase phase = BlurKernel(kernels[i][0].flip({0, 1})).phase();
    EXPECT_NEAR(phase.y, 1.5, 0.4);
    EXPECT_NEAR(phase.x, 1.5, 0.4);
    const double peak = kernels[i].max().item<double>();
    narrowest = std::min(narrowest, 1.0 / peak);
    widest = std::max(widest, 1.0 / peak);
  }
  EXPECT_GT(widest, 2.0 * narrowest);
}

TEST(KernelPrior, TrainingRaisesTheLikelihoodAndRepeats) {
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  KernelPriorOptions options;
  options.steps = 60;
  options.batch = 20;
  options.learning_rate = 1e-3;
  std::vector<double> losses;
  RunContext context;
  context.seed = 4;
  context.progress = [&](const Progress& now) {
    losses.push_back(now.loss);
    return ProgressAction::kContinue;
  };
  FlowPrior first = train_kernel_prior(options, context);
  EXPECT_LT(losses.back(), losses.front() - 30.0);
  Random random(9);
  FlowPrior untrained = FlowPrior::for_scale(2, random);
  EXPECT_LT(mean_negative_log_density(first), mean_negative_log_density(untrained) - 30.0);
  const FlowPrior second = train_kernel_prior(options, context);
  const torch::Tensor latent = torch::zeros({1, 121});
  EXPECT_EQ(test::max_difference(first.decode(latent).detach(), second.decode(latent).detach()), 0.0);
  options.scale = 5;
  EXPECT_THROW(train_kernel_prior(options), OptionError);
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace zsr::training
