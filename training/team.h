#pragma once

#include "core/run_context.h"
#include "nn/optim/flat_adam.h"
#include "training/collapse.h"
#include "training/communicator.h"
#include "training/content_features.h"
#include "training/network.h"
#include "training/patches.h"
#include "training/team_images.h"
#include "training/team_plan.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zsr::training {

/// Several networks that are trained together, each with an optimiser of its own, one checkpoint for all. In each step
/// the members of the stage take a step along the gradient of its loss, the others stand still, and then the judges
/// learn to tell what was made from what is real.
class Team {
 public:
  /// Trains on `source`, which must outlive the team: photos without condition at the plan's scale; and on `like`, for
  /// plans that name it: photos of another collection at scale 1, in patches of the same LR size. `seed`: of the
  /// weights and of the generators' noise. `processes`: who takes part, each with its patches of every batch; null:
  /// this process alone. Throws OptionError, also where several processes would not equal one (batch normalisation,
  /// relativistic judges), and InputError for weights to begin with.
  Team(const TeamPlan& plan, const PatchSource& source, uint64_t seed, torch::Device device = torch::kCPU,
       const PatchSource* like = nullptr, Communicator* processes = nullptr);

  /// From the step where it is. `save` is called every `save_every` steps and at the end. Throws OptionError where
  /// images of a term differ in size, when the loss is no number any more, and when adversarial training has collapsed:
  /// what was saved last is from before that.
  Summary run(int64_t save_every, const RunContext& context, const std::function<void(const Team&)>& save);

  int64_t step() const { return step_; }
  /// The parts of the last step's loss, unweighted: "l1 up(lr) hr" and its value; and each judge's own loss.
  const std::vector<std::pair<std::string, double>>& losses() const { return losses_; }
  /// An image of the plan, made of the batch of `step` by the weights that would be kept: [N, 3, h, w] on the CPU.
  torch::Tensor image(const std::string& expression, int64_t step) const;
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
    torch::Tensor mean;  // of the values, where the plan averages; else undefined

    const torch::Tensor kept() const { return mean.defined() ? mean : network->parameters().detach(); }
  };
  const Trained& named(const std::string& name) const;
  // The stage of a step, and how much of the rates is left there.
  std::pair<const Stage&, double> stage_at(int64_t step) const;
  std::map<std::string, torch::Tensor> known_images(const Batch& batch, const Batch* like) const;
  torch::Tensor made_by(const Trained& one, const torch::Tensor& image, const torch::Tensor& values, uint64_t seed,
                        bool training) const;
  // Patches [first, second) of a batch of so many are this process's.
  std::pair<int64_t, int64_t> own_part(int64_t batch) const;
  // The loss, and whether one of the processes wishes to stop.
  std::pair<double, bool> step_once(const Batch& batch, const Batch* like, bool wish_to_stop);
  // Gradients of the trained members, losses and wishes, summed over all processes; whether one wishes to stop.
  bool sum_over_processes(const std::vector<std::string>& trained, bool wish_to_stop);
  torch::Tensor loss_of(const TeamTerm& term, TeamImages& images);
  void step_judges(const Stage& stage, TeamImages& images, double rate);
  nlohmann::ordered_json fingerprint() const;

  TeamPlan plan_;
  const PatchSource& source_;
  const PatchSource* like_;
  uint64_t seed_;
  torch::Device device_;
  Communicator alone_;
  Communicator& processes_;
  std::shared_ptr<const ContentFeatures> features_;
  std::vector<Trained> members_;
  std::map<std::string, std::unique_ptr<Adversary>> judges_;
  CollapseWatch watch_;
  std::vector<std::pair<std::string, double>> losses_;
  int64_t step_ = 0;
};

}  // namespace zsr::training
