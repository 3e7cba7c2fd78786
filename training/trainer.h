#pragma once

#include "core/run_context.h"
#include "nn/optim/mixed_optimizer.h"
#include "training/communicator.h"
#include "training/losses.h"
#include "training/network.h"
#include "training/patches.h"
#include "training/scale_growth.h"
#include "training/schedule.h"
#include "training/supervision.h"
#include "training/validation.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace zsr::training {

/// How a network is trained; what it is, and what it sees, are given apart.
struct TrainOptions {
  ScheduleOptions schedule;
  std::vector<LossTerm> losses = {{"l1", 1.0}};
  std::shared_ptr<const ContentFeatures> features;  ///< For the loss "content".
  AdversaryOptions adversary;                       ///< For the loss "adversarial".
  SupervisionOptions supervision;                   ///< Which of the network's results have a loss.
  ScaleGrowth growth;                               ///< As the patches have it (PatchOptions::growth).
  std::string optimizer = "muon";                   ///< "muon" (hidden layers; Adam for the others) or "adam".
  double learning_rate = 1e-3;                      ///< > 0. Highest rate of Adam.
  double muon_rate = 0.01;                          ///< > 0. Highest rate of Muon.
  double muon_decay = 0.1;    ///< >= 0. Share of the weights that a step of Muon takes off, times its rate.
  double clip = 0.0;          ///< >= 0. Longest gradient; 0 = as it is.
  double ema = 0.999;         ///< In [0, 1). Memory of the averaged weights, which are what is kept; 0 = none.
  int64_t save_every = 1000;  ///< > 0. Steps between checkpoints, validations and lines of the log.
  /// Throws OptionError.
  void validate() const;
};

/// A line of the log.
struct LogLine {
  int64_t step = 0;
  double seconds = 0.0;
  double loss = 0.0;  ///< Mean since the last line.
  double rate = 0.0;  ///< Share of the highest rate.
  Validation::Score score;
};

/// The state of a run between two steps.
struct TrainState {
  int64_t step = 0;
  double seconds = 0.0;
  double rate_factor = 1.0;  ///< Below 1 after repairs.
  int64_t repairs = 0;
  double loss_mean = 0.0;  ///< Running, of about the last 100 steps; 0 at the start.
  double loss_sum = 0.0;   ///< Since the last line of the log.
  int64_t loss_count = 0;
  std::vector<LogLine> log;
};

/// Trains `network` on `source` until the schedule ends, the caller stops, or the loss diverges for the fourth
/// time; the first three times the state of the last checkpoint comes back and the rates halve. With several processes
/// each draws its share of every batch and all take the same steps.
class Trainer {
 public:
  Trainer(Network& network, const PatchSource& source, const Validation& validation, const TrainOptions& options,
          int64_t batch, Communicator& communicator, uint64_t seed = 0);

  /// Called by the leading process after every `save_every` steps and when the run ends.
  using SaveFn = std::function<void(const Trainer&, const WeightsFile& checkpoint)>;
  Summary run(const RunContext& context, const SaveFn& save);

  const TrainState& state() const { return state_; }
  /// Seconds of `run` in which no batch was ready.
  double waited_s() const { return waited_s_; }
  /// The averaged weights where there are any, else the last.
  const torch::Tensor& best_parameters() const { return average_.defined() ? average_ : values_; }

  /// Everything that `restore` needs to go on exactly.
  WeightsFile checkpoint() const;
  /// Throws InputError when `file` is no checkpoint of this network and these options.
  void restore(const WeightsFile& file);

 private:
  // Loss of all processes together (NaN where the step was not taken) and whether any of them wishes to stop.
  struct StepResult {
    double loss;
    bool stop;
  };
  void step_adversary(const std::vector<torch::Tensor>& made, const std::vector<Batch>& batches, double rate);
  double share_of(const Batch& batch) const;
  // Its share counted in; `made` receives what an adversary is to judge.
  torch::Tensor loss_of(const Batch& batch, std::vector<torch::Tensor>& made) const;
  // What the network makes of the batch; of a scale that is joining, blended with the scale before.
  Network::Results results_of(const Batch& batch) const;
  torch::Tensor loss_of_all(const Batch& batch, std::vector<torch::Tensor>& made) const;
  StepResult step_once(const std::vector<Batch>& batches, bool wish_to_stop);
  void add_line();
  // Goes back to `good` with half the rates. False where that was done too often; `summary` says so.
  bool repair(const WeightsFile& good, Summary& summary);

  Network& network_;
  const PatchSource& source_;
  const Validation& validation_;
  TrainOptions options_;
  int64_t batch_;
  Communicator& communicator_;
  MixedOptimizer optimizer_;
  std::unique_ptr<Adversary> adversary_;
  torch::Tensor values_;   // the network's parameters, detached
  torch::Tensor average_;  // moving average, or undefined
  TrainState state_;
  double waited_s_ = 0.0;
};

}  // namespace zsr::training
