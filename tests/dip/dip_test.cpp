#include "dip/dip.h"

#include "core/error.h"
#include "degradations/kernel_families.h"
#include "dip/fitting.h"
#include "dip/observation.h"
#include "dip/pieces.h"
#include "dip/step_cost.h"
#include "dip/stop_rule.h"
#include "image/metrics.h"
#include "image/resize.h"
#include "tests/support/one_thread.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <chrono>
#include <cmath>
#include <thread>

namespace zsr::dip {
namespace {

using test::max_difference;

class DipTest : public test::OneThread {
 protected:
  void SetUp() override {
    OneThread::SetUp();
    torch::manual_seed(1);
  }

  static Options small(Task task, int64_t channels = 3) {
    Options options = preset(task, 2, channels);
    options.network.down = options.network.up = {16, 16, 16};
    options.network.skip = {4, 4, 4};
    options.network.inputs = 8;
    options.steps = 60;
    options.stop = StopRule::kSteps;
    options.average = 0.9;
    return options;
  }

  // Smooth, with an edge.
  static torch::Tensor picture(int64_t height, int64_t width, int64_t channels = 3) {
    const torch::Tensor y = torch::linspace(0.0, 3.0, height).view({1, 1, -1, 1});
    const torch::Tensor x = torch::linspace(0.0, 2.0, width).view({1, 1, 1, -1});
    torch::Tensor image = (0.5 + 0.3 * torch::sin(2.0 * y + x)).repeat({1, channels, 1, 1});
    image.slice(3, width / 2, width).mul_(0.6);
    return image.contiguous();
  }

  static double error(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).square().mean().item<double>(); }
};

TEST_F(DipTest, LanczosFilterIsTheReleasedOneAndCentred) {
  for (const int64_t scale : {2, 3, 4, 8}) {
    const torch::Tensor filter = lanczos_filter(scale);
    EXPECT_EQ(filter.size(0), scale % 2 == 0 ? 4 * scale : 4 * scale - 1);
    EXPECT_NEAR(filter.sum().item<double>(), 1.0, 1e-6);
    EXPECT_LT(max_difference(filter, filter.flip({0, 1})), 1e-7);
  }
  // models/downsampler.py, factor 2, 'lanczos2', phase 0.5: taps at 0.25, 0.75, 1.25, 1.75 LR pixels.
  const auto lobe = [](double x) {
    const double a = M_PI * x;
    return 2.0 * std::sin(a) * std::sin(a / 2.0) / (a * a);
  };
  const double sum = 2.0 * (lobe(0.25) + lobe(0.75) + lobe(1.25) + lobe(1.75));
  EXPECT_NEAR(lanczos_filter(2)[3][4].item<double>(), lobe(0.25) * lobe(0.25) / (sum * sum), 1e-6);
  EXPECT_NEAR(lanczos_filter(2)[0][4].item<double>(), lobe(1.75) * lobe(0.25) / (sum * sum), 1e-6);
}

TEST_F(DipTest, ObservationsKeepPlaceAndBrightness) {
  const torch::Tensor ramp = torch::linspace(0.0, 1.0, 24).view({1, 1, 1, -1}).repeat({1, 3, 24, 1});
  for (const int64_t scale : {2, 3, 4}) {
    Options options = small(Task::kSuperResolution);
    options.scale = scale;
    const torch::Tensor photo = torch::zeros({1, 3, 24 / scale, 24 / scale});
    // A ramp sampled at the middles of its blocks is the ramp of their means.
    const torch::Tensor wanted = torch::avg_pool2d(ramp, scale);
    const auto inner = [](const torch::Tensor& x) { return x.slice(3, 2, -2); };
    EXPECT_LT(max_difference(inner(Observation(photo, options).predict(ramp)), inner(wanted)), 1e-5) << scale;
    options.kernel = make_kernel({.family = KernelFamily::kGaussian, .sigma_1 = 1.0, .sigma_2 = 1.0});
    EXPECT_LT(max_difference(inner(Observation(photo, options).predict(ramp)), inner(wanted)), 1e-3) << scale;
  }
}

TEST_F(DipTest, VarianceRuleSeesTheRunningVariance) {
  constexpr int64_t kWindow = 5;
  VarianceRule rule(kWindow, 4);
  std::vector<torch::Tensor> outputs;
  double lowest = 1e9;
  int64_t best = 0;
  for (int64_t step = 1; step <= 30 && !rule.finished(); ++step) {
    const double swing = step <= 14 ? 1.0 / static_cast<double>(step) : 0.2 * static_cast<double>(step - 13);
    outputs.push_back(0.5 + swing * torch::randn({1, 3, 40, 40}));
    const bool news = rule.add(outputs.back());
    if (step < kWindow) {
      EXPECT_FALSE(news);
      continue;
    }
    const torch::Tensor last = torch::stack(std::vector<torch::Tensor>(outputs.end() - kWindow, outputs.end()));
    const double wanted = (last - last.mean(0)).square().mean(0).mean().item<double>();
    EXPECT_NEAR(rule.variance(), wanted, 1e-4 * wanted) << step;
    EXPECT_EQ(news, wanted < lowest);
    if (wanted < lowest) {
      lowest = wanted;
      best = step;
    }
    EXPECT_EQ(rule.best_step(), best);
  }
  EXPECT_TRUE(rule.finished());
  EXPECT_EQ(best, 14);
  EXPECT_EQ(outputs.size(), 18U);
}

TEST_F(DipTest, PiecesCoverTheImageAndBlendToIt) {
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{64, 64}, {150, 64}, {200, 330}, {63, 999}}) {
    const int64_t unit = height % 2 == 0 && width % 2 == 0 ? 2 : 3;
    const torch::Tensor image = torch::rand({1, 3, height, width});
    Blend blend(3, height, width);
    for (const Piece& piece : cut(height, width, 96, 16, unit)) {
      EXPECT_EQ(piece.y % unit + piece.x % unit + piece.height % unit + piece.width % unit, 0);
      EXPECT_LE(std::max(piece.height, piece.width), 96);
      blend.add(image.slice(2, piece.y, piece.y + piece.height).slice(3, piece.x, piece.x + piece.width), piece);
    }
    EXPECT_LT(max_difference(blend.image(), image), 1e-5);
  }
  EXPECT_EQ(cut(500, 700, 0, 16, 1).size(), 1U);
}

TEST_F(DipTest, TakesOffNoiseBeforeItLearnsIt) {
  const torch::Tensor clean = picture(64, 96);
  const torch::Tensor noisy = (clean + 0.1 * torch::randn_like(clean)).clamp(0.0, 1.0);
  Options options = small(Task::kDenoise);
  options.steps = 150;
  const Result result = run(noisy, options);
  EXPECT_EQ(result.image.sizes(), clean.sizes());
  EXPECT_EQ(result.summary.steps, 150);
  EXPECT_EQ(result.summary.termination, Termination::kFinished);
  EXPECT_LT(error(result.image, clean), 0.4 * error(noisy, clean));
  EXPECT_LT(max_difference(run(noisy, options).image, result.image), 1e-7);  // the same seed, the same image
}

// A run that does not stop tells where the rule would have: there it had the image that the rule keeps.
TEST_F(DipTest, AFullRunTellsWhatTheStopRuleWouldKeep) {
  const torch::Tensor noisy = (picture(64, 64) + 0.2 * torch::randn({1, 3, 64, 64})).clamp(0.0, 1.0);
  Options options = small(Task::kDenoise);
  options.steps = 160;
  options.window = 10;
  options.patience = 30;
  options.frame_every = 1;
  std::vector<torch::Tensor> frames;
  const Result full =
      run(noisy, options, {}, [&](const torch::Tensor& frame, int64_t) { frames.push_back(frame.clone()); });
  EXPECT_EQ(full.best_step, 160);
  options.stop = StopRule::kVariance;
  const Result stopped = run(noisy, options);
  ASSERT_LT(stopped.best_step, 160);
  ASSERT_GE(stopped.best_step, 10);
  EXPECT_EQ(full.rule_step, stopped.best_step);
  EXPECT_EQ(stopped.rule_step, stopped.best_step);
  EXPECT_LT(max_difference(frames.at(static_cast<size_t>(full.rule_step - 1)).clamp(0.0, 1.0), stopped.image), 1e-6);
}

TEST_F(DipTest, EnlargesPhotosThatItsGridDoesNotDivide) {
  const torch::Tensor clean = picture(62, 90, 1);
  const torch::Tensor photo = imresize(clean, {0.5, 0.5});
  Options options = small(Task::kSuperResolution, 1);
  options.steps = 200;
  const Result result = run(photo, options);
  EXPECT_EQ(result.image.sizes(), clean.sizes());
  EXPECT_LT(error(result.image, clean), 2e-3);
}

TEST_F(DipTest, FillsWhatTheMaskHides) {
  const torch::Tensor clean = picture(64, 64);
  Options options = small(Task::kInpaint);
  options.steps = 200;
  options.mask = torch::ones({1, 1, 64, 64});
  options.mask.slice(2, 20, 26).fill_(0.0);
  const torch::Tensor scratched = clean * options.mask;
  const Result result = run(scratched, options);
  EXPECT_LT(max_difference(result.image.slice(2, 0, 20), clean.slice(2, 0, 20)), 1e-7);  // what was good is not touched
  EXPECT_LT(error(result.image.slice(2, 20, 26), clean.slice(2, 20, 26)), 4e-3);
  options.mask.fill_(1.0);
  EXPECT_THROW(run(scratched, options), InputError);
  options.mask.fill_(0.0);
  EXPECT_THROW(run(scratched, options), InputError);
  options.mask = torch::ones({1, 1, 64, 60});
  EXPECT_THROW(run(scratched, options), InputError);
  options.mask = torch::Tensor();
  EXPECT_THROW(run(scratched, options), OptionError);
}

TEST_F(DipTest, PiecesOfALargeImage) {
  const torch::Tensor clean = picture(64, 150);
  Options options = small(Task::kDenoise);
  options.steps = 120;
  options.tile = 64;
  options.overlap = 16;
  const Result result = run(clean, options);
  EXPECT_EQ(result.summary.steps, 120 + 2 * 60);
  EXPECT_LT(error(result.image, clean), 2e-3);
  EXPECT_LT(needed_bytes(options, 640, 1500), needed_bytes(small(Task::kDenoise), 640, 1500) / 5);
  options.memory_limit = 1000;
  EXPECT_THROW(run(clean, options), InputError);
}

TEST_F(DipTest, StopsWhenAskedAndKeepsTheImage) {
  const torch::Tensor clean = picture(64, 64);
  RunContext context;
  context.progress = [](const Progress& now) {
    return now.step >= 20 ? ProgressAction::kStop : ProgressAction::kContinue;
  };
  const Result result = run(clean, small(Task::kDenoise), context);
  EXPECT_EQ(result.summary.termination, Termination::kStopped);
  EXPECT_EQ(result.summary.steps, 20);
  EXPECT_TRUE(torch::isfinite(result.image).all().item<bool>());
  context.progress = [](const Progress&) { return ProgressAction::kAbort; };
  EXPECT_THROW(run(clean, small(Task::kDenoise), context), Cancelled);
}

// A step that would end after the time budget is not begun. Each step takes at least 0.4 s here: the second would end
// after 0.8 s, however fast the machine is.
TEST_F(DipTest, BeginsNoStepThatWouldEndAfterTheTimeBudget) {
  RunContext context;
  context.time_budget_s = 0.6;
  context.progress = [](const Progress&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return ProgressAction::kContinue;
  };
  const Result result = run(picture(64, 64), small(Task::kDenoise), context);
  EXPECT_EQ(result.summary.steps, 1);
  EXPECT_EQ(result.summary.termination, Termination::kTimeBudget);
}

TEST_F(DipTest, EstimatesTheStepsOfLargeOutputsOnly) {
  Options options = small(Task::kSuperResolution);
  options.kernel = make_kernel({.family = KernelFamily::kGaussian, .sigma_1 = 1.0, .sigma_2 = 1.0});
  EXPECT_FALSE(estimate_step_cost(options, 500, 500, torch::kCPU));
  const auto cost = estimate_step_cost(options, 1024, 1024, torch::kCPU);
  ASSERT_TRUE(cost);
  EXPECT_GT(cost->each_s, 0.0);
  EXPECT_GE(cost->first_s, cost->each_s);
  options.tile = 256;  // what counts is one piece
  EXPECT_FALSE(estimate_step_cost(options, 1024, 1024, torch::kCPU));
  options.scale = 1;
  EXPECT_THROW(estimate_step_cost(options, 1024, 1024, torch::kCPU), OptionError);
}

TEST_F(DipTest, TellsPiecesAndStepsBeforeTheRun) {
  Options options = small(Task::kDenoise);
  EXPECT_EQ(length_of(options, 64, 150).pieces, 1);
  EXPECT_EQ(length_of(options, 64, 150).steps, 60);
  options.tile = 64;
  options.overlap = 16;
  EXPECT_EQ(length_of(options, 64, 150).pieces, 3);
  EXPECT_EQ(length_of(options, 64, 150).steps, 60 + 2 * 30);
}

TEST_F(DipTest, GoesBackWhenTrainingBlowsUp) {
  const torch::Tensor clean = picture(64, 64);
  Options options = small(Task::kDenoise);
  Random random(1);
  SkipNetwork network(options.network, random);
  Fitting fitting(network, clean, options, 1);
  for (int i = 0; i < 30; ++i) fitting.step();
  const torch::Tensor good = fitting.image().clone();
  {
    const torch::NoGradGuard no_grad;
    network.layout().last.of(network.parameters()).fill_(std::nan(""));
  }
  fitting.step();
  EXPECT_EQ(fitting.restored(), 1);
  EXPECT_LT(max_difference(fitting.image(), good), 1e-7);
  const double loss = fitting.step();
  EXPECT_TRUE(std::isfinite(loss));
  EXPECT_TRUE(torch::isfinite(network.parameters().detach()).all().item<bool>());
  // A fall of the fit by more than 5 dB without a NaN.
  {
    const torch::NoGradGuard no_grad;
    network.layout().last.of(network.parameters()).mul_(-3.0);
  }
  fitting.step();
  EXPECT_EQ(fitting.restored(), 2);
  EXPECT_FALSE(fitting.exhausted());
}

TEST_F(DipTest, PublishedSettings) {
  const Options x4 = preset(Task::kSuperResolution, 4, 3);
  EXPECT_EQ(x4.steps, 2000);
  EXPECT_EQ(x4.noise, 0.03);
  EXPECT_EQ(preset(Task::kSuperResolution, 8, 3).steps, 4000);
  EXPECT_EQ(preset(Task::kSuperResolution, 8, 3).noise, 0.05);
  EXPECT_EQ(SkipLayout(preset(Task::kJpeg, 1, 3).network).count, 572'827);
  EXPECT_EQ(SkipLayout(preset(Task::kInpaint, 1, 3).network).count, 3'002'627);
  Options wrong = x4;
  wrong.scale = 1;
  EXPECT_THROW(wrong.validate(), OptionError);
  wrong = preset(Task::kDenoise, 1, 3);
  wrong.scale = 2;
  EXPECT_THROW(wrong.validate(), OptionError);
  EXPECT_THROW(parse_task("sharpen"), OptionError);
}

}  // namespace
}  // namespace zsr::dip
