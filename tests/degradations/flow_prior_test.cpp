#include "degradations/flow_prior.h"

#include "core/error.h"
#include "degradations/kernel.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace zsr {
namespace {

TEST(FlowPrior, HasThePublishedSizes) {
  Random random(1);
  EXPECT_EQ(FlowPrior::for_scale(2, random).parameter_count(), 41'270);
  EXPECT_EQ(FlowPrior::for_scale(3, random).parameter_count(), 98'900);
  EXPECT_EQ(FlowPrior::for_scale(4, random).parameter_count(), 194'470);
  EXPECT_EQ(FlowPrior::for_scale(8, random).parameter_count(), 236'070);
  for (const int64_t scale : {2, 3, 4, 8}) EXPECT_EQ(FlowPrior::for_scale(scale, random).scale(), scale);
  EXPECT_THROW(FlowPrior(10, 5, 2, random), OptionError);
  EXPECT_THROW(FlowPrior(11, 0, 2, random), OptionError);
}

// log p(x) = log N(z) - log |det dx/dz|, with the Jacobian of decode taken column by column.
TEST(FlowPrior, DensityFollowsFromItsInverse) {
  torch::manual_seed(2);
  Random random(3);
  FlowPrior prior(3, 4, 2, random);
  {
    const torch::NoGradGuard no_grad;
    for (torch::Tensor parameter : prior.parameters()) parameter.add_(0.3 * torch::randn_like(parameter));
  }
  const double peak = prior.weights().find("normalization")->item<double>();
  constexpr double kAlpha = 1e-6;
  const torch::Tensor latent = (0.3 * torch::randn({1, 9})).set_requires_grad(true);
  const torch::Tensor kernel = prior.decode(latent);
  const torch::Tensor share = (kAlpha + (1.0 - 2.0 * kAlpha) * kernel / peak).view({9});
  const torch::Tensor x = (share / (1.0 - share)).log();
  std::vector<torch::Tensor> rows;
  for (int64_t i = 0; i < 9; ++i) rows.push_back(torch::autograd::grad({x[i]}, {latent}, {}, true)[0].view({9}));
  const torch::Tensor jacobian = torch::stack(rows).to(torch::kFloat64);
  const double log_normal =
      (-0.5 * latent.detach().square()).sum().item<double>() - 4.5 * std::log(2.0 * std::numbers::pi);
  const double wanted = log_normal - std::log(std::abs(torch::det(jacobian).item<double>()));
  const torch::Tensor density = prior.log_density(kernel.detach(), torch::zeros({1, 1, 3, 3}));
  EXPECT_NEAR(density.item<double>(), wanted, 2e-3);
}

TEST(FlowPrior, GoesToAFileAndBack) {
  torch::manual_seed(2);
  Random random(3);
  const FlowPrior prior = FlowPrior::for_scale(2, random);
  const WeightsFile file = prior.weights();
  ASSERT_TRUE(FlowPrior::is_prior(file));
  const FlowPrior back = FlowPrior::from_weights(file);
  const torch::Tensor latent = torch::randn({2, 121});
  EXPECT_LT(test::max_difference(back.decode(latent).detach(), prior.decode(latent).detach()), 1e-7);
  EXPECT_EQ(back.side(), 11);
  EXPECT_GT(prior.decode(latent).min().item<double>(), 0.0);
  WeightsFile broken = file;
  broken.tensors[5].tensor = torch::zeros({4, 4});
  EXPECT_FALSE(FlowPrior::is_prior({"empty", "test", {}, {}}));
  EXPECT_THROW(FlowPrior::from_weights({"empty", "test", {}, {}}), InputError);
  for (NamedTensor& entry : broken.tensors) {
    if (entry.name == "net.3.beta") entry.tensor = torch::full({121}, std::nan(""));
  }
  EXPECT_THROW(FlowPrior::from_weights(broken), InputError);
}

}  // namespace
}  // namespace zsr
