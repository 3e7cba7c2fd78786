#include "nn/optim/flat_adam.h"
#include "nn/optim/mixed_optimizer.h"
#include "nn/optim/muon.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/types.h>

namespace zsr {
namespace {

TEST(FlatAdam, EqualsLibTorchsAdam) {
  torch::manual_seed(1);
  torch::Tensor ours = torch::randn({70000});
  torch::Tensor theirs = ours.clone().requires_grad_(true);
  FlatAdam adam(ours.numel(), torch::kCPU, 0.9, 0.99);
  torch::optim::Adam reference(std::vector<torch::Tensor>{theirs}, torch::optim::AdamOptions(3e-3).betas({0.9, 0.99}));
  for (int i = 0; i < 20; ++i) {
    const torch::Tensor gradient = torch::randn({70000}) * (i % 3 == 0 ? 1e-4 : 1.0);
    theirs.mutable_grad() = gradient.clone();
    reference.step();
    adam.step(ours, gradient, 3e-3);
  }
  EXPECT_LT(test::max_difference(ours, theirs.detach()), 2e-6);
}

TEST(FlatAdam, ResetForgets) {
  torch::Tensor first = torch::zeros({10});
  torch::Tensor second = torch::zeros({10});
  FlatAdam adam(10, torch::kCPU, 0.9, 0.999);
  adam.step(first, torch::ones({10}), 0.1);
  adam.reset();
  adam.step(second, torch::ones({10}), 0.1);
  EXPECT_EQ(test::max_difference(first, second), 0.0);
}

TEST(Muon, StepsAlongTheOrthogonalizedGradient) {
  torch::manual_seed(2);
  // Wide, tall, and sides that are no whole vectors; a gap that belongs to nobody between them.
  const std::vector<MatrixSlice> slices{{5, 24, 90}, {5 + 24 * 90 + 3, 50, 21}};
  const int64_t count = 5 + 24 * 90 + 3 + 50 * 21;
  torch::Tensor parameters = torch::randn({count});
  const torch::Tensor before = parameters.clone();
  const torch::Tensor gradient = torch::randn({count});
  Muon muon(slices, torch::kCPU, 0.9);
  muon.step(parameters, gradient, 0.5);
  torch::Tensor want = before.clone();
  for (const MatrixSlice& slice : slices) {
    const auto view = [&](const torch::Tensor& flat) {
      return flat.narrow(0, slice.offset, slice.rows * slice.columns).view({slice.rows, slice.columns});
    };
    // From rest, momentum does not turn the direction, and the length does not matter.
    view(want).sub_(0.5 * orthogonalize(view(gradient)));
  }
  EXPECT_LT(test::max_difference(parameters, want), 2e-4);
  EXPECT_EQ(test::max_difference(parameters.narrow(0, 0, 5), before.narrow(0, 0, 5)), 0.0);
}

TEST(Muon, SingularValuesComeNearOne) {
  torch::manual_seed(3);
  const torch::Tensor values = torch::linalg_svdvals(orthogonalize(torch::randn({64, 576})));
  EXPECT_GT(values.min().item<float>(), 0.6F);
  EXPECT_LT(values.max().item<float>(), 1.3F);
}

TEST(Muon, NoGradientNoStep) {
  torch::Tensor parameters = torch::ones({64});
  Muon muon({{0, 8, 8}}, torch::kCPU, 0.9);
  muon.step(parameters, torch::zeros({64}), 0.1);
  EXPECT_EQ(test::max_difference(parameters, torch::ones({64})), 0.0);
}

TEST(MixedOptimizer, DecayTakesItsShareOffTheMatricesAlone) {
  torch::manual_seed(5);
  torch::Tensor values = torch::randn({40});
  const torch::Tensor before = values.clone();
  MixedOptimizer optimizer(40, {{8, 4, 6}}, torch::kCPU, {.decay = 0.5});
  optimizer.step(values, torch::zeros({40}), 0.1, 0.2);
  EXPECT_LT((values.narrow(0, 8, 24) - 0.9 * before.narrow(0, 8, 24)).abs().max().item<double>(), 1e-6);
  EXPECT_EQ((values.narrow(0, 0, 8) - before.narrow(0, 0, 8)).abs().max().item<double>(), 0.0);
  EXPECT_EQ((values.narrow(0, 32, 8) - before.narrow(0, 32, 8)).abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace zsr
