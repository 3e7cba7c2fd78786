#include "training/trainer.h"

#include "core/error.h"
#include "tests/training/support.h"
#include "training/curve.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <barrier>
#include <cmath>
#include <limits>
#include <thread>

namespace zsr::training {
namespace {

// Networks this small lose more by sharing than they gain; beside other programs they would mostly wait.
class OneThread : public ::testing::Environment {
 public:
  void SetUp() override { at::set_num_threads(1); }
};
const ::testing::Environment* const kOneThread = ::testing::AddGlobalTestEnvironment(new OneThread);

// A run of a small network.
struct SmallRun {
  explicit SmallRun(TrainOptions options, const std::string& name = "edsr")
      : network(make_network(name)),
        source(photos(), network.condition(), {.scales = {2}, .batch = 4, .patch = 16, .seed = 5}),
        validation({photos()[0].slice(1, 0, 40).slice(2, 0, 40)}, network),
        trainer(network, source, validation, options, 4, alone) {}
  Summary run(int64_t stop_after = 1'000'000) {
    RunContext context;
    context.progress = [=](const Progress& now) {
      return now.step >= stop_after ? ProgressAction::kStop : ProgressAction::kContinue;
    };
    return trainer.run(context, {});
  }
  Network network;
  PatchSource source;
  Validation validation;
  Communicator alone;
  Trainer trainer;
};

TrainOptions short_run(const char* optimizer = "muon") {
  TrainOptions options;
  options.schedule = {.steps = 30, .warm_up = 3};
  options.optimizer = optimizer;
  options.ema = 0.9;
  options.save_every = 10;
  return options;
}

TEST(Trainer, Learns) {
  for (const char* const network : {"edsr", "srmd", "zssr-start"}) {
    TrainOptions options = short_run();
    options.schedule.steps = 60;
    SmallRun run(options, network);
    const Summary summary = run.run();
    EXPECT_EQ(summary.steps, 60);
    ASSERT_EQ(run.trainer.state().log.size(), 6U);
    EXPECT_LT(run.trainer.state().log.back().loss, 0.9 * run.trainer.state().log.front().loss) << network;
    EXPECT_GT(run.trainer.state().log.back().score.psnr, 10.0);
    EXPECT_NE(curve_svg(run.trainer.state(), "a<b").find("a&lt;b"), std::string::npos);
  }
}

// From all levels alike, whose cross entropy is log(256), once for each of the two sums.
TEST(Trainer, ANetworkThatDrawsPixelsLearnsTheirLikelihood) {
  TrainOptions options = short_run();
  options.schedule.steps = 60;
  SmallRun run(options, "pixelrecursive");
  run.run();
  const auto& log = run.trainer.state().log;
  ASSERT_EQ(log.size(), 6U);
  EXPECT_LT(log.back().loss, 2.0 * std::log(256.0) - 0.2);
  EXPECT_GT(log.back().score.log_likelihood, -std::log(256.0));
  EXPECT_LT(log.back().score.log_likelihood, 0.0);
  EXPECT_EQ(log.back().score.psnr, 0.0);
}

TEST(Trainer, AResumedRunIsTheRunThatNeverStopped) {
  for (const char* const optimizer : {"muon", "adam"}) {
    SmallRun whole(short_run(optimizer));
    whole.run();
    SmallRun first(short_run(optimizer));
    EXPECT_EQ(first.run(17).termination, Termination::kStopped);
    EXPECT_EQ(first.trainer.state().step, 17);
    SmallRun second(short_run(optimizer));
    second.trainer.restore(first.trainer.checkpoint());
    EXPECT_EQ(second.run().termination, Termination::kFinished);
    EXPECT_EQ(max_difference(second.trainer.best_parameters(), whole.trainer.best_parameters()), 0.0);
    EXPECT_EQ(max_difference(second.network.parameters(), whole.network.parameters()), 0.0);
    ASSERT_EQ(second.trainer.state().log.size(), whole.trainer.state().log.size());
    for (size_t i = 0; i < whole.trainer.state().log.size(); ++i) {
      EXPECT_EQ(second.trainer.state().log[i].step, whole.trainer.state().log[i].step);
      EXPECT_EQ(second.trainer.state().log[i].loss, whole.trainer.state().log[i].loss);
    }
  }
}

TEST(Trainer, AnAdversaryResumesToo) {
  TrainOptions options = short_run();
  options.losses = parse_losses("l1,adversarial:0.1,cycle:0.5,tv:0.001");
  options.adversary.width = 4;
  SmallRun whole(options);
  whole.run();
  SmallRun first(options);
  first.run(17);
  SmallRun second(options);
  second.trainer.restore(first.trainer.checkpoint());
  second.run();
  EXPECT_EQ(max_difference(second.network.parameters().detach(), whole.network.parameters().detach()), 0.0);
  // The adversary matters.
  SmallRun without(short_run());
  without.run();
  EXPECT_GT(max_difference(without.network.parameters().detach(), whole.network.parameters().detach()), 1e-4);
}

TEST(Trainer, RefusesTheCheckpointOfAnotherRun) {
  SmallRun run(short_run());
  const torch::Tensor before = run.network.parameters().detach().clone();
  WeightsFile checkpoint = run.trainer.checkpoint();
  const auto refused = [&](const WeightsFile& file) {
    EXPECT_THROW(run.trainer.restore(file), InputError);
    EXPECT_EQ(max_difference(run.network.parameters().detach(), before), 0.0);
  };
  refused(SmallRun(short_run("adam")).trainer.checkpoint());
  refused(SmallRun(short_run(), "srmd").trainer.checkpoint());
  refused({"plain weights", "test", {}, {}});
  WeightsFile damaged = checkpoint;
  damaged.metadata["state"] = "{\"step\": 3";
  refused(damaged);
  for (NamedTensor& entry : checkpoint.tensors) {
    if (entry.name == "values") entry.tensor[5] = std::numeric_limits<float>::quiet_NaN();
  }
  refused(checkpoint);
}

TEST(Trainer, GoesBackWhenTheLossDiverges) {
  TrainOptions options = short_run("adam");
  options.schedule = {.name = "constant", .steps = 400, .warm_up = 0};
  options.learning_rate = 1e30;
  SmallRun run(options);
  const Summary summary = run.run();
  EXPECT_EQ(summary.termination, Termination::kDiverged);
  EXPECT_FALSE(summary.message.empty());
  EXPECT_TRUE(torch::isfinite(run.network.parameters()).all().item<bool>());
  EXPECT_TRUE(torch::isfinite(run.trainer.best_parameters()).all().item<bool>());
}

// Two processes played by two threads: sums meet at a barrier.
class Pair {
 public:
  class Side : public Communicator {
   public:
    Side(Pair& pair, int64_t rank) : pair_(pair), rank_(rank) {}
    int64_t rank() const override { return rank_; }
    int64_t size() const override { return 2; }
    void sum(torch::Tensor values) override {
      pair_.given_[static_cast<size_t>(rank_)] = values.clone();
      pair_.barrier_.arrive_and_wait();
      values.copy_(pair_.given_[0] + pair_.given_[1]);
      pair_.barrier_.arrive_and_wait();
    }

   private:
    Pair& pair_;
    int64_t rank_;
  };

 private:
  std::array<torch::Tensor, 2> given_;
  std::barrier<> barrier_{2};
};

TEST(Trainer, TwoProcessesAreOneOfTheJointBatch) {
  SmallRun alone(short_run());
  alone.run();
  Pair pair;
  std::vector<std::unique_ptr<SmallRun>> runs;
  std::vector<std::unique_ptr<Trainer>> trainers;
  std::vector<std::unique_ptr<Pair::Side>> sides;
  for (const int64_t rank : {0, 1}) {
    runs.push_back(std::make_unique<SmallRun>(short_run()));
    sides.push_back(std::make_unique<Pair::Side>(pair, rank));
    SmallRun& run = *runs.back();
    trainers.push_back(
        std::make_unique<Trainer>(run.network, run.source, run.validation, short_run(), 4, *sides.back()));
  }
  std::vector<Summary> summaries(2);
  {
    std::jthread other([&] { summaries[1] = trainers[1]->run({}, {}); });
    summaries[0] = trainers[0]->run({}, {});
  }
  EXPECT_EQ(summaries[0].steps, 30);
  EXPECT_EQ(summaries[1].steps, 30);
  EXPECT_EQ(max_difference(runs[0]->network.parameters().detach(), runs[1]->network.parameters().detach()), 0.0);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(trainers[0]->state().log[i].loss, alone.trainer.state().log[i].loss, 1e-5);
  }
}

}  // namespace
}  // namespace zsr::training
