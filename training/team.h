#pragma once

#include "core/run_context.h"
#include "nn/optim/flat_adam.h"
#include "training/network.h"
#include "training/patches.h"
#include "training/team_plan.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace zsr::training {

/// Several networks that are trained together, each with an optimiser of its own, one checkpoint for all. In each step
/// the members of the stage take a step along the gradient of its loss, the others stand still, and then the judges
/// learn to tell what was made from what is real.
class Team {
 public:
  /// Trains on `source`, which must outlive the team: photos without condition at the plan's scale. `seed`: of the
  /// weights. Throws OptionError, and InputError for weights to begin with.
  Team(const TeamPlan& plan, const PatchSource& source, uint64_t seed, torch::Device device = torch::kCPU);

  /// From the step where it is. `save` is called every `save_every` steps and at the end. Throws OptionError where
  /// images of a term differ in size, and when the loss is no number any more.
  Summary run(int64_t save_every, const RunContext& context, const std::function<void(const Team&)>& save);

  int64_t step() const { return step_; }
  /// Weights of a member that zsr, and the published code, can use.
  WeightsFile weights(const std::string& member) const;
  const TeamPlan& plan() const { return plan_; }

  WeightsFile checkpoint() const;
  /// Throws InputError where `file` is the checkpoint of another plan or of other batches.
  void restore(const WeightsFile& file);

 private:
  struct Trained {
    Member member;
    std::unique_ptr<Network> network;
    FlatAdam adam;
  };
  class Images;
  Trained& named(const std::string& name);
  const Stage& stage_at(int64_t step) const;
  double step_once(const Batch& batch);
  nlohmann::ordered_json fingerprint() const;

  TeamPlan plan_;
  const PatchSource& source_;
  torch::Device device_;
  std::vector<Trained> members_;
  std::map<std::string, std::unique_ptr<Adversary>> judges_;
  int64_t step_ = 0;
};

}  // namespace zsr::training
