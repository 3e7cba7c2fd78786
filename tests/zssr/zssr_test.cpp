#include "zssr/zssr.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::zssr {
namespace {

Options quick() {
  Options options;
  options.network.width = 16;
  options.network.depth = 4;
  options.training.max_steps = 12;
  options.pairs.crop = 32;
  return options;
}

torch::Tensor photo(int64_t channels = 3, int64_t height = 36, int64_t width = 28) {
  return test::texture(channels, height, width).to(torch::kFloat32);
}

TEST(Zssr, SizesForAllScalesAndChannels) {
  for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{1.5, 1.5}, Scale{1.1, 2.3}, Scale{1, 2}}) {
    for (const int64_t channels : {1, 3}) {
      Options options = quick();
      options.scale = scale;
      const Result result = run(photo(channels), options);
      const Size size = scaled_size({36, 28}, scale);
      EXPECT_EQ(result.image->sizes(), (std::vector<int64_t>{1, channels, size.height, size.width}));
      EXPECT_TRUE(torch::isfinite(*result.image).all().item<bool>());
      EXPECT_EQ(result.summary.steps, 12);
    }
  }
}

TEST(Zssr, SameSeedSameBytesOtherSeedOther) {
  const auto with_seed = [](uint64_t seed) {
    RunContext context;
    context.seed = seed;
    return *run(photo(), quick(), context).image;
  };
  const torch::Tensor first = with_seed(0);
  EXPECT_EQ(test::max_difference(first, with_seed(0)), 0.0);
  EXPECT_GT(test::max_difference(first, with_seed(1)), 0.0);
}

TEST(Zssr, AnInconsistentNetworkIsNotUsed) {
  Options options = quick();
  options.kernels = {gaussian_kernel(13, 2.0, 2.0)};
  const Result refused = run(photo(3, 48, 52), options, {}, [](double) { return false; });
  EXPECT_FALSE(refused.image.has_value());
  EXPECT_GT(refused.consistency_db, 5.0);
  EXPECT_LT(refused.consistency_db, 200.0);
  double seen_db = 0.0;
  const Result taken = run(photo(3, 48, 52), options, {}, [&](double db) {
    seen_db = db;
    return true;
  });
  ASSERT_TRUE(taken.image.has_value());
  EXPECT_EQ(taken.image->size(3), 104);
  EXPECT_EQ(taken.consistency_db, seen_db);
  EXPECT_EQ(taken.consistency_db, refused.consistency_db);  // the same seed
}

TEST(Zssr, TrainingLowersTheLoss) {
  Options options = quick();
  options.network.depth = 6;
  options.network.width = 32;
  options.training.max_steps = 200;
  options.training.warm_up_steps = 20;
  std::vector<double> losses;
  RunContext context;
  context.progress = [&](const Progress& progress) {
    if (progress.stage == "train x2") losses.push_back(progress.loss);
    return ProgressAction::kContinue;
  };
  // Stripes at a slant: cubic interpolation blurs them, a network learns them.
  const torch::Tensor y = torch::arange(64, torch::kFloat32).view({64, 1});
  const torch::Tensor x = torch::arange(64, torch::kFloat32).view({1, 64});
  const torch::Tensor stripes = ((x * 0.55 + y * 0.3).sin() > 0).to(torch::kFloat32).view({1, 1, 64, 64});
  run(stripes, options, context);
  ASSERT_EQ(losses.size(), 200U);
  EXPECT_LT(losses.back(), 0.6 * losses.front());
}

TEST(Zssr, StopKeepsAResultAndAbortThrows) {
  RunContext context;
  context.progress = [](const Progress& progress) {
    return progress.step >= 5 ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  const Result result = run(photo(), quick(), context);
  EXPECT_EQ(result.summary.termination, Termination::kStopped);
  EXPECT_EQ(result.summary.steps, 5);
  EXPECT_EQ(result.image->size(2), 72);
  context.progress = [](const Progress&) { return ProgressAction::kAbort; };
  EXPECT_THROW(run(photo(), quick(), context), Cancelled);
}

TEST(Zssr, StopWhileUpscalingEndsSoonWithTheFinalSize) {
  for (const bool gradual : {false, true}) {
    Options options = quick();
    if (gradual) options.gradual = {{1.5, 1.5}};
    RunContext context;
    int64_t passes = 0;
    context.progress = [&](const Progress& progress) {
      if (progress.stage.rfind("upscale", 0) != 0) return ProgressAction::kContinue;
      ++passes;
      return ProgressAction::kStop;
    };
    const Result result = run(photo(), options, context);
    EXPECT_EQ(result.summary.termination, Termination::kStopped);
    EXPECT_EQ(result.image->sizes(), (std::vector<int64_t>{1, 3, 72, 56}));
    EXPECT_EQ(passes, 1);
  }
}

TEST(Zssr, StopInAGradualRunStillGivesTheFinalSize) {
  Options options = quick();
  options.gradual = {{1.5, 1.5}};
  RunContext context;
  context.progress = [](const Progress& progress) {
    return progress.step >= 3 ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  const Result result = run(photo(), options, context);
  EXPECT_EQ(result.summary.termination, Termination::kStopped);
  EXPECT_EQ(result.image->sizes(), (std::vector<int64_t>{1, 3, 72, 56}));
}

TEST(Zssr, DivergenceFallsBackToCubicAndSaysSo) {
  Options options = quick();
  options.training.learning_rate = 1e30;
  options.training.warm_up_steps = 0;
  const Result result = run(photo(), options);
  EXPECT_EQ(result.summary.termination, Termination::kDiverged);
  EXPECT_NE(result.summary.message.find("diverged"), std::string::npos);
  EXPECT_LT(test::max_difference(*result.image, imresize(photo(), {2, 2}).clamp(0, 1)), 1e-6);
}

TEST(Zssr, TimeBudgetEndsTraining) {
  Options options = quick();
  options.training.max_steps = 100000000;
  options.training.step_rule = StepRule::kAdam;  // 16 channels die of Muon's default steps before the second is over
  options.training.learning_rate = 1e-3;
  RunContext context;
  context.time_budget_s = 1.0;
  const Result result = run(photo(), options, context);
  EXPECT_EQ(result.summary.termination, Termination::kTimeBudget);
  EXPECT_LT(result.summary.steps, 100000000);
  EXPECT_GT(result.summary.steps, 0);
}

TEST(Zssr, GradualStepsAndPaperRuleRun) {
  for (const char* name : {"paper", "paper-gradual", "kernel", "real"}) {
    Options options = preset(name, {2, 2});
    options.network.width = 16;
    options.training.max_steps = 4;
    options.pairs.crop = 24;
    EXPECT_EQ(run(photo(), options).image->size(2), 72) << name;
  }
}

TEST(Zssr, KernelsAreUsedAndChecked) {
  Options options = quick();
  options.kernels = {gaussian_kernel(9, 2.0, 2.0)};
  const torch::Tensor with_kernel = *run(photo(), options).image;
  options.kernels.clear();
  EXPECT_GT(test::max_difference(with_kernel, *run(photo(), options).image), 0.01);
  options.kernels = {BlurKernel(torch::ones({99, 3}))};
  EXPECT_THROW(run(photo(), options), OptionError);  // larger than the image
  options.kernels = {gaussian_kernel(5, 1, 1), gaussian_kernel(5, 1, 1)};
  EXPECT_THROW(run(photo(), options), OptionError);  // two kernels for one step
}

TEST(Zssr, RefusesWrongTensors) {
  EXPECT_THROW(run(torch::rand({3, 8, 8}), quick()), InputError);
  EXPECT_THROW(run(torch::rand({1, 4, 8, 8}), quick()), InputError);
  EXPECT_THROW(run(torch::rand({1, 3, 8, 8}, torch::kFloat64), quick()), InputError);
}

}  // namespace
}  // namespace zsr::zssr
