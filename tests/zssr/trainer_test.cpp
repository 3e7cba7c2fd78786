#include "zssr/trainer.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

namespace zsr::zssr {
namespace {

struct Trained {
  TrainOutcome outcome;
  torch::Tensor parameters;
};

// Trains a small network on stripes; `at_step` is called after every step with the network.
Trained train_stripes(Options options, const std::function<void(Network&, int64_t)>& at_step) {
  options.network.width = 32;
  options.network.depth = 5;
  options.pairs.crop = 32;
  const torch::Tensor y = torch::arange(64, torch::kFloat32).view({64, 1});
  const torch::Tensor x = torch::arange(64, torch::kFloat32).view({1, 64});
  const torch::Tensor photo = ((x * 0.55 + y * 0.3).sin() > 0).to(torch::kFloat32).view({1, 1, 64, 64});
  Random weights(3);
  Random pairs(4);
  Network network(options, 1, {2, 2}, weights, torch::kCPU);
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const PairSampler sampler(options, formation, {{photo, 1.0}});
  RunContext context;
  context.progress = [&](const Progress& progress) {
    at_step(network, progress.step);
    return ProgressAction::kContinue;
  };
  Session session{context};
  Trained run;
  run.outcome = train(network, sampler, formation, photo, options, "train", std::numeric_limits<double>::infinity(),
                      pairs, session);
  run.parameters = network.parameters().detach().clone();
  return run;
}

TEST(Trainer, EveryStepRuleLearns) {
  for (const StepRule rule : {StepRule::kAdam, StepRule::kMuon}) {
    Options options;
    options.training.step_rule = rule;
    options.training.learning_rate = rule == StepRule::kAdam ? 2e-3 : 0.05;
    options.training.max_steps = 150;
    options.training.warm_up_steps = 20;
    const Trained run = train_stripes(options, [](Network&, int64_t) {});
    EXPECT_EQ(run.outcome.termination, Termination::kFinished);
    EXPECT_LT(run.outcome.loss, 0.7 * run.outcome.base_loss);
  }
}

TEST(Trainer, DeadNetworkComesBackToLife) {
  Options options;
  options.training.max_steps = 200;
  options.training.warm_up_steps = 20;
  const Trained run = train_stripes(options, [](Network& network, int64_t step) {
    // All weights 0: no ReLU opens any more and no gradient flows.
    if (step == 100) network.set_parameters(torch::zeros_like(network.parameters()));
  });
  EXPECT_EQ(run.outcome.termination, Termination::kFinished);
  EXPECT_LT(run.outcome.loss, 0.7 * run.outcome.base_loss);
  EXPECT_GT(run.parameters.abs().max().item<float>(), 0.0F);
}

TEST(Trainer, StepsFarTooLongAreTamed) {
  // Forty times the default: the network dies, some deaths falling on the steps at which snapshots are taken.
  for (const int64_t warm_up : {0, 5, 24}) {
    Options options;
    options.training.learning_rate = 2.0;
    options.training.max_steps = 200;
    options.training.warm_up_steps = warm_up;
    const Trained run = train_stripes(options, [](Network&, int64_t) {});
    EXPECT_NE(run.outcome.termination, Termination::kDiverged) << warm_up;
    EXPECT_LT(run.outcome.loss, 1.1 * run.outcome.base_loss) << warm_up;
  }
}

TEST(Trainer, NetworkThatKeepsDyingIsGivenUp) {
  Options options;
  options.training.max_steps = 200;
  const Trained run = train_stripes(
      options, [](Network& network, int64_t) { network.set_parameters(torch::zeros_like(network.parameters())); });
  EXPECT_EQ(run.outcome.termination, Termination::kDiverged);
  EXPECT_LT(run.outcome.steps, 20);
}

TEST(Trainer, NotANumberIsRepairedFromTheBestWeights) {
  Options options;
  options.training.max_steps = 200;
  options.training.warm_up_steps = 20;
  const Trained run = train_stripes(options, [](Network& network, int64_t step) {
    if (step == 100) {
      network.set_parameters(torch::full_like(network.parameters(), std::numeric_limits<float>::quiet_NaN()));
    }
  });
  EXPECT_EQ(run.outcome.termination, Termination::kFinished);
  EXPECT_TRUE(torch::isfinite(run.parameters).all().item<bool>());
  EXPECT_LT(run.outcome.loss, run.outcome.base_loss);
}

}  // namespace
}  // namespace zsr::zssr
