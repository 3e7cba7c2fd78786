#include "zssr/trainer.h"

#include "core/error.h"
#include "nn/optim/mixed_optimizer.h"
#include "zssr/slope_rule.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace zsr::zssr {
namespace {

constexpr int kMostRepairs = 3;
constexpr int kMostRevivals = 10;
constexpr int64_t kPatience = 60;    // steps before a running loss is judged
constexpr double kLostFactor = 1.5;  // a loss so many times the interpolation's has been lost to steps too long
constexpr int64_t kSnapshotEvery = 25;
constexpr int64_t kLargestTestSide = 1024;

// Running mean of a noisy value over about the last 50 steps.
class RunningMean {
 public:
  void add(double value) {
    weight_ = 0.98 * weight_ + 0.02;
    sum_ = 0.98 * sum_ + 0.02 * value;
  }
  bool empty() const { return weight_ == 0.0; }
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

// Share of the learning rate that the cosine leaves at `progress` in [0, 1].
double cosine_share(const Options& options, int64_t step, double progress) {
  const double rise = options.warm_up_steps > 0
                          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.warm_up_steps))
                          : 1.0;
  return rise * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

// Weights this large are past saving, even where a ReLU hides their NaNs from the loss.
bool weights_are_sane(const Network& network) {
  constexpr float kLargestWeight = 1e3F;
  const torch::Tensor largest = network.parameters().detach().abs().max();
  return largest.item<float>() < kLargestWeight;  // false for NaN
}

// Pairs of the part of the photo that training does not see, and how well the network does on them.
class KeptBack {
 public:
  KeptBack(const PairSampler& sampler, Random random, torch::Device device) {
    constexpr int kBatches = 6;
    for (int i = 0; i < kBatches; ++i) {
      const Pairs pairs = sampler.draw_kept_back(random);
      pairs_.push_back({pairs.son.to(device), pairs.base.to(device), pairs.father.to(device)});
    }
  }

  double loss(const Network& network) const {
    const torch::NoGradGuard no_grad;
    double sum = 0.0;
    for (const Pairs& pairs : pairs_) {
      const torch::Tensor residual = network.residual(pairs.son, pairs.base);
      const torch::Tensor target = pairs.father - pairs.base;
      sum += (residual.slice(2, 0, target.size(2)).slice(3, 0, target.size(3)) - target).abs().mean().item<double>();
    }
    return sum / static_cast<double>(pairs_.size());
  }

 private:
  std::vector<Pairs> pairs_;
};

// Takes the steps that the options ask for; `share` of their learning rates.
class Optimizer {
 public:
  Optimizer(const Network& network, const Options& options)
      : parameters_(network.parameters()),
        adam_rate_(options.step_rule == StepRule::kMuon ? options.end_learning_rate : options.learning_rate),
        muon_rate_(options.learning_rate),
        rule_(parameters_.numel(),
              options.step_rule == StepRule::kMuon ? network.hidden_matrices() : std::vector<MatrixSlice>{},
              parameters_.device(), {.beta2 = options.adam_beta2, .momentum = options.momentum}) {}

  void reset() { rule_.reset(); }

  void step(const torch::Tensor& loss, double share) {
    parameters_.mutable_grad().reset();
    loss.backward();
    rule_.step(parameters_.detach(), parameters_.grad(), share * adam_rate_, share * muon_rate_);
  }

 private:
  torch::Tensor parameters_;
  double adam_rate_;
  double muon_rate_;
  MixedOptimizer rule_;
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
  std::optional<KeptBack> kept_back;
  const torch::Tensor start = network.parameters().detach().clone();
  double start_loss = 0.0;
  if (options.start && options.max_steps > 0) {
    kept_back.emplace(sampler, random, network.parameters().device());
    start_loss = kept_back->loss(network);
  }
  SlopeRule rule(options);
  Optimizer optimizer(network, options);
  RunningMean loss_mean;
  RunningMean base_mean;
  double repair_factor = 1.0;
  int repairs = 0;
  int revivals = 0;
  int64_t last_revival = 0;
  double best_loss = std::numeric_limits<double>::infinity();
  torch::Tensor best = network.parameters().detach().clone();
  // A snapshot counts only once the next loss has shown that the step into it did no harm.
  torch::Tensor candidate = best.clone();
  double candidate_loss = best_loss;
  bool has_candidate = false;
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
    const double share = slope ? rule.learning_rate() / options.learning_rate : cosine_share(options, step, progress);

    Pairs pairs = sampler.draw(random);
    if (!on_cpu) {
      const auto device = network.parameters().device();
      pairs = {pairs.son.to(device), pairs.base.to(device), pairs.father.to(device)};
    }
    const torch::Tensor target = pairs.father - pairs.base;
    torch::Tensor residual = network.residual(pairs.son, pairs.base);
    residual = residual.slice(2, 0, target.size(2)).slice(3, 0, target.size(3));
    const torch::Tensor loss = (residual - target).abs().mean();
    optimizer.step(loss, share * repair_factor);
    ++outcome.steps;

    // Reading the loss waits for a GPU, so there not every step.
    if (on_cpu || step % 10 == 0 || step + 1 == options.max_steps) {
      const double value = loss.item<double>();
      const bool finite = std::isfinite(value) && value < 1e3 && weights_are_sane(network);
      const double base_value = target.abs().mean().item<double>();
      // With every ReLU of a layer closed the residual is 0 and so are all gradients: the network is dead.
      const bool dead = finite && step > 0 && value == base_value && base_value > 0.0;
      const bool lost = finite && !dead && step - last_revival > kPatience &&
                        loss_mean.value() > kLostFactor * base_mean.value() + 1e-4;
      if (finite && !dead && !lost) {
        loss_mean.add(value);
        base_mean.add(base_value);
        if (has_candidate) {
          std::swap(best, candidate);
          best_loss = candidate_loss;
          has_candidate = false;
        }
      } else if (dead || lost) {
        has_candidate = false;
        last_revival = step;
        loss_mean = RunningMean();
        network.set_parameters(best);
        if (++revivals > kMostRevivals) {
          // What was learned before stands; only a network that never lived has nothing to show.
          outcome.termination = best_loss < base_mean.value() ? Termination::kConverged : Termination::kDiverged;
          break;
        }
        optimizer.reset();
        repair_factor *= 0.5;
      } else {
        has_candidate = false;
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
    const bool settled = last_revival == 0 || step - last_revival >= kSnapshotEvery;
    if (settled && step % kSnapshotEvery == kSnapshotEvery - 1 &&
        loss_mean.value() < std::min(best_loss, base_mean.value())) {
      candidate_loss = loss_mean.value();
      candidate.copy_(network.parameters().detach());
      has_candidate = true;
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
  outcome.loss = loss_mean.empty() ? std::min(best_loss, base_mean.value()) : loss_mean.value();
  outcome.base_loss = base_mean.value();
  // Weights that do worse than plain interpolation on their own training pairs have blown up without a NaN.
  if (!weights_are_sane(network) || (outcome.steps > 100 && outcome.loss > 2.0 * outcome.base_loss + 1e-3)) {
    outcome.termination = Termination::kDiverged;
  }
  if (kept_back) {
    // Less than this is no gain but chance; and a starting point cannot diverge, one goes back to it.
    constexpr double kLeastGain = 0.003;
    outcome.kept_start =
        outcome.termination == Termination::kDiverged || !(kept_back->loss(network) < (1.0 - kLeastGain) * start_loss);
    if (outcome.kept_start) {
      network.set_parameters(start);
      if (outcome.termination == Termination::kDiverged) outcome.termination = Termination::kConverged;
    }
  }
  return outcome;
}

}  // namespace zsr::zssr
