#include "zssr/trainer.h"

#include "core/error.h"
#include "zssr/slope_rule.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace zsr::zssr {
namespace {

constexpr int kMostRepairs = 3;
constexpr int64_t kSnapshotEvery = 25;
constexpr int64_t kLargestTestSide = 1024;

// Running mean of a noisy value over about the last 50 steps.
class RunningMean {
 public:
  void add(double value) {
    weight_ = 0.98 * weight_ + 0.02;
    sum_ = 0.98 * sum_ + 0.02 * value;
  }
  double value() const { return weight_ > 0.0 ? sum_ / weight_ : 0.0; }

 private:
  double sum_ = 0.0;
  double weight_ = 0.0;
};

torch::Tensor center_crop(const torch::Tensor& image, int64_t side) {
  const int64_t height = std::min(side, image.size(2));
  const int64_t width = std::min(side, image.size(3));
  const int64_t top = (image.size(2) - height) / 2;
  const int64_t left = (image.size(3) - width) / 2;
  return image.slice(2, top, top + height).slice(3, left, left + width);
}

// Mean squared error of rebuilding the photo from its own son: the slope rule's yardstick.
double reconstruction_error(const Network& network, const PairSampler& sampler, const Formation& formation,
                            const torch::Tensor& photo, Random& random) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor son = sampler.make_son(photo, random);
  const Size size{photo.size(2), photo.size(3)};
  const torch::Tensor base = formation.up(son, size);
  const torch::Tensor residual = network.residual(son, base).slice(2, 0, size.height).slice(3, 0, size.width);
  return (photo - (base + residual).clamp(0.0, 1.0)).square().mean().item<double>();
}

double cosine_rate(const Options& options, int64_t step, double progress) {
  const double rise = options.warm_up_steps > 0
                          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up_steps))
                          : 1.0;
  return options.learning_rate * rise * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

// Weights this large are past saving, even where a ReLU hides their NaNs from the loss.
bool weights_are_sane(const Network& network) {
  constexpr float kLargestWeight = 1e3F;
  const torch::Tensor largest = network.parameters().detach().abs().max();
  return largest.item<float>() < kLargestWeight;  // false for NaN
}

class Optimizer {
 public:
  Optimizer(const torch::Tensor& parameters, double beta2) : parameters_(parameters), beta2_(beta2) { reset(); }

  void set_learning_rate(double value) {
    static_cast<torch::optim::AdamOptions&>(adam_->param_groups()[0].options()).lr(value);
  }
  void reset() {
    adam_ = std::make_unique<torch::optim::Adam>(std::vector<torch::Tensor>{parameters_},
                                                 torch::optim::AdamOptions(1e-3).betas({0.9, beta2_}));
  }
  void step(const torch::Tensor& loss) {
    adam_->zero_grad();
    loss.backward();
    adam_->step();
  }

 private:
  torch::Tensor parameters_;
  double beta2_;
  std::unique_ptr<torch::optim::Adam> adam_;
};

}  // namespace

double Session::elapsed_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Session::report(const Progress& progress) {
  if (!context.progress) return;
  const ProgressAction action = context.progress(progress);
  if (action == ProgressAction::kAbort) throw Cancelled("stopped on request; nothing was written");
  if (action == ProgressAction::kStop) stopped = true;
}

TrainOutcome train(Network& network, const PairSampler& sampler, const Formation& formation, const torch::Tensor& photo,
                   const Options& options, const std::string& stage, double deadline_s, Random& random,
                   Session& session) {
  const bool slope = options.schedule == Schedule::kSlopeRule;
  const bool on_cpu = network.parameters().device().is_cpu();
  const torch::Tensor test_photo = center_crop(photo, kLargestTestSide).to(network.parameters().device()).contiguous();
  const double begin_s = session.elapsed_s();
  SlopeRule rule(options);
  Optimizer optimizer(network.parameters(), options.adam_beta2);
  RunningMean loss_mean;
  RunningMean base_mean;
  double repair_factor = 1.0;
  int repairs = 0;
  double best_loss = std::numeric_limits<double>::infinity();
  torch::Tensor best = network.parameters().detach().clone();
  TrainOutcome outcome;

  for (int64_t step = 0; step < options.max_steps; ++step) {
    double progress = static_cast<double>(step) / static_cast<double>(options.max_steps);
    if (std::isfinite(deadline_s)) {
      // The cosine follows the clock when the clock is what ends the run.
      progress = std::max(progress, (session.elapsed_s() - begin_s) / std::max(1e-3, deadline_s - begin_s));
      if (progress >= 1.0) {
        outcome.termination = Termination::kTimeBudget;
        break;
      }
    }
    const double rate = slope ? rule.learning_rate() : cosine_rate(options, step, progress);
    optimizer.set_learning_rate(rate * repair_factor);

    Pairs pairs = sampler.draw(random);
    if (!on_cpu) {
      const auto device = network.parameters().device();
      pairs = {pairs.son.to(device), pairs.base.to(device), pairs.father.to(device)};
    }
    const torch::Tensor target = pairs.father - pairs.base;
    torch::Tensor residual = network.residual(pairs.son, pairs.base);
    residual = residual.slice(2, 0, target.size(2)).slice(3, 0, target.size(3));
    const torch::Tensor loss = (residual - target).abs().mean();
    optimizer.step(loss);
    ++outcome.steps;

    // Reading the loss waits for a GPU, so there not every step.
    if (on_cpu || step % 10 == 0 || step + 1 == options.max_steps) {
      const double value = loss.item<double>();
      const bool finite = std::isfinite(value) && value < 1e3 && weights_are_sane(network);
      if (finite) {
        loss_mean.add(value);
        base_mean.add(target.abs().mean().item<double>());
      } else {
        if (++repairs > kMostRepairs) {
          outcome.termination = Termination::kDiverged;
          break;
        }
        network.set_parameters(best);
        optimizer.reset();
        repair_factor *= 0.1;
        continue;
      }
    }
    if (step % kSnapshotEvery == kSnapshotEvery - 1 && loss_mean.value() < best_loss) {
      best_loss = loss_mean.value();
      best.copy_(network.parameters().detach());
    }
    if (slope && step % options.test_every == 0) {
      rule.add_test(step, reconstruction_error(network, sampler, formation, test_photo, random));
    }
    if (slope) {
      rule.after_step(step);
      if (rule.finished()) {
        outcome.termination = Termination::kConverged;
        break;
      }
    }
    session.report({stage, step + 1, options.max_steps, loss_mean.value(), session.elapsed_s()});
    if (session.stopped) {
      outcome.termination = Termination::kStopped;
      break;
    }
  }
  outcome.loss = loss_mean.value();
  outcome.base_loss = base_mean.value();
  // Weights that do worse than plain interpolation on their own training pairs have blown up without a NaN.
  if (!weights_are_sane(network) || (outcome.steps > 100 && outcome.loss > 2.0 * outcome.base_loss + 1e-3)) {
    outcome.termination = Termination::kDiverged;
  }
  return outcome;
}

}  // namespace zsr::zssr
