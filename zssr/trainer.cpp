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
  const double rise =
      options.training.warm_up_steps > 0
          ? std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(options.training.warm_up_steps))
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
        adam_rate_(options.training.step_rule == StepRule::kMuon ? options.training.end_learning_rate
                                                                 : options.training.learning_rate),
        muon_rate_(options.training.learning_rate),
        rule_(parameters_.numel(),
              options.training.step_rule == StepRule::kMuon ? network.hidden_matrices() : std::vector<MatrixSlice>{},
              parameters_.device(), {.beta2 = options.training.adam_beta2, .momentum = options.training.momentum}) {}

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

// The best weights so far, and what brings them back when a step does harm: a loss that is not finite, ReLUs that
// closed for good, or a loss that stays far above that of plain interpolation.
class Repair {
 public:
  enum class Verdict {
    kGood,
    kRevived,   // dead or lost: the best weights are back, with half of the steps
    kRepaired,  // not finite: likewise, with a tenth
    kGivenUp,
  };

  explicit Repair(Network& network)
      : network_(network), best_(network.parameters().detach().clone()), candidate_(best_.clone()) {}

  // The loss of a step, and that of plain interpolation on the same pairs.
  Verdict judge(int64_t step, double loss, double base_loss) {
    const bool finite = std::isfinite(loss) && loss < 1e3 && weights_are_sane(network_);
    if (!finite) return repair();
    // With every ReLU of a layer closed the residual is 0 and so are all gradients: the network is dead.
    const bool dead = step > 0 && loss == base_loss && base_loss > 0.0;
    const bool lost = !dead && step - last_revival_ > kPatience && loss_.value() > kLostFactor * base_.value() + 1e-4;
    if (dead || lost) return revive(step);
    loss_.add(loss);
    base_.add(base_loss);
    // A snapshot counts only once the next loss has shown that the step into it did no harm.
    if (has_candidate_) {
      std::swap(best_, candidate_);
      best_loss_ = candidate_loss_;
      has_candidate_ = false;
    }
    return Verdict::kGood;
  }

  void take_snapshot(int64_t step) {
    const bool settled = last_revival_ == 0 || step - last_revival_ >= kSnapshotEvery;
    if (!settled || step % kSnapshotEvery != kSnapshotEvery - 1) return;
    if (!(loss_.value() < std::min(best_loss_, base_.value()))) return;
    candidate_loss_ = loss_.value();
    candidate_.copy_(network_.parameters().detach());
    has_candidate_ = true;
  }

  // Of the learning rate.
  double share() const { return share_; }
  double loss() const { return loss_.value(); }
  double base_loss() const { return base_.value(); }
  double final_loss() const { return loss_.empty() ? std::min(best_loss_, base_.value()) : loss_.value(); }
  // What was learned before stands; only a network that never lived has nothing to show.
  bool has_learned() const { return revivals_ > kMostRevivals && best_loss_ < base_.value(); }

 private:
  Verdict repair() {
    has_candidate_ = false;
    if (++repairs_ > kMostRepairs) return Verdict::kGivenUp;
    network_.set_parameters(best_);
    share_ *= 0.1;
    return Verdict::kRepaired;
  }

  Verdict revive(int64_t step) {
    has_candidate_ = false;
    last_revival_ = step;
    loss_ = RunningMean();
    network_.set_parameters(best_);
    if (++revivals_ > kMostRevivals) return Verdict::kGivenUp;
    share_ *= 0.5;
    return Verdict::kRevived;
  }

  Network& network_;
  RunningMean loss_;
  RunningMean base_;
  double share_ = 1.0;
  int repairs_ = 0;
  int revivals_ = 0;
  int64_t last_revival_ = 0;
  double best_loss_ = std::numeric_limits<double>::infinity();
  torch::Tensor best_;
  torch::Tensor candidate_;
  double candidate_loss_ = std::numeric_limits<double>::infinity();
  bool has_candidate_ = false;
};

// One training, step by step.
class Training {
 public:
  Training(Network& network, const PairSampler& sampler, const Formation& formation, const torch::Tensor& photo,
           const Options& options, double deadline_s, Random& random, Session& session)
      : network_(network),
        sampler_(sampler),
        formation_(formation),
        device_(network.parameters().device()),
        test_photo_(center_crop(photo, kLargestTestSide).to(device_).contiguous()),
        options_(options),
        deadline_s_(deadline_s),
        begin_s_(session.elapsed_s()),
        random_(random),
        session_(session),
        rule_(options),
        optimizer_(network, options),
        repair_(network) {}

  TrainOutcome run(const std::string& stage) {
    for (int64_t step = 0; step < options_.training.max_steps; ++step) {
      const double progress = progress_at(step);
      if (progress >= 1.0) {
        end_ = Termination::kTimeBudget;
        break;
      }
      const Repair::Verdict verdict = take_step(step, progress);
      ++steps_;
      if (verdict == Repair::Verdict::kGivenUp) {
        end_ = repair_.has_learned() ? Termination::kConverged : Termination::kDiverged;
        break;
      }
      if (verdict != Repair::Verdict::kGood) optimizer_.reset();
      if (verdict == Repair::Verdict::kRepaired) continue;
      repair_.take_snapshot(step);
      if (slope_rule_ends(step)) {
        end_ = Termination::kConverged;
        break;
      }
      session_.report(stage, step + 1, options_.training.max_steps, repair_.loss());
      if (session_.stopped()) {
        end_ = Termination::kStopped;
        break;
      }
    }
    return outcome();
  }

 private:
  bool by_slope() const { return options_.training.schedule == Schedule::kSlopeRule; }

  // In [0, 1]. The cosine follows the clock where the clock is what ends the run.
  double progress_at(int64_t step) const {
    const double by_steps = static_cast<double>(step) / static_cast<double>(options_.training.max_steps);
    if (!std::isfinite(deadline_s_)) return by_steps;
    return std::max(by_steps, (session_.elapsed_s() - begin_s_) / std::max(1e-3, deadline_s_ - begin_s_));
  }

  Repair::Verdict take_step(int64_t step, double progress) {
    const double share =
        by_slope() ? rule_.learning_rate() / options_.training.learning_rate : cosine_share(options_, step, progress);
    Pairs pairs = sampler_.draw(random_);
    if (!device_.is_cpu()) pairs = {pairs.son.to(device_), pairs.base.to(device_), pairs.father.to(device_)};
    const torch::Tensor target = pairs.father - pairs.base;
    torch::Tensor residual = network_.residual(pairs.son, pairs.base);
    residual = residual.slice(2, 0, target.size(2)).slice(3, 0, target.size(3));
    const torch::Tensor loss = (residual - target).abs().mean();
    optimizer_.step(loss, share * repair_.share());
    // Reading the loss waits for a GPU, so there not every step.
    const bool reads = device_.is_cpu() || step % 10 == 0 || step + 1 == options_.training.max_steps;
    if (!reads) return Repair::Verdict::kGood;
    return repair_.judge(step, loss.item<double>(), target.abs().mean().item<double>());
  }

  bool slope_rule_ends(int64_t step) {
    if (!by_slope()) return false;
    if (step % options_.slope_rule.test_every == 0) {
      rule_.add_test(step, reconstruction_error(network_, sampler_, formation_, test_photo_, random_));
    }
    rule_.after_step(step);
    return rule_.finished();
  }

  TrainOutcome outcome() const {
    TrainOutcome outcome;
    outcome.steps = steps_;
    outcome.loss = repair_.final_loss();
    outcome.base_loss = repair_.base_loss();
    // Weights that do worse than plain interpolation on their own training pairs have blown up without a NaN.
    const bool blown_up =
        !weights_are_sane(network_) || (steps_ > 100 && outcome.loss > 2.0 * outcome.base_loss + 1e-3);
    outcome.termination = blown_up ? Termination::kDiverged : end_;
    return outcome;
  }

  Network& network_;
  const PairSampler& sampler_;
  const Formation& formation_;
  torch::Device device_;
  torch::Tensor test_photo_;
  const Options& options_;
  double deadline_s_;
  double begin_s_;
  Random& random_;
  Session& session_;
  SlopeRule rule_;
  Optimizer optimizer_;
  Repair repair_;
  int64_t steps_ = 0;
  Termination end_ = Termination::kFinished;
};

}  // namespace

TrainOutcome train(Network& network, const PairSampler& sampler, const Formation& formation, const torch::Tensor& photo,
                   const Options& options, const std::string& stage, double deadline_s, Random& random,
                   Session& session) {
  Training training(network, sampler, formation, photo, options, deadline_s, random, session);
  if (!options.start || options.training.max_steps == 0) return training.run(stage);
  // Pretrained weights stay where the photo's held-back part becomes no better.
  const KeptBack kept_back(sampler, random, network.parameters().device());
  const torch::Tensor start = network.parameters().detach().clone();
  const double start_loss = kept_back.loss(network);
  TrainOutcome outcome = training.run(stage);
  constexpr double kLeastGain = 0.003;  // less than this is no gain but chance
  outcome.kept_start =
      outcome.termination == Termination::kDiverged || !(kept_back.loss(network) < (1.0 - kLeastGain) * start_loss);
  if (outcome.kept_start) {
    network.set_parameters(start);
    // Pretrained weights cannot diverge: one goes back to them.
    if (outcome.termination == Termination::kDiverged) outcome.termination = Termination::kConverged;
  }
  return outcome;
}

}  // namespace zsr::zssr
