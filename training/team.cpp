#include "training/team.h"

#include "core/error.h"
#include "core/session.h"
#include "image/resize.h"
#include "nn/weights/load_weights.h"
#include "training/fingerprint.h"
#include "training/losses.h"
#include "training/prefetch.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
// The images that terms name, each made once in a step.
class Team::Images {
 public:
  Images(Team& team, const Stage& stage, const Batch& batch) : team_(team), stage_(stage) {
    known_["hr"] = batch.target.to(team.device_);
    known_["lr"] = batch.input.slice(1, 0, 3).to(team.device_);
  }

  torch::Tensor at(const std::string& name) {
    const auto found = known_.find(name);
    if (found != known_.end()) return found->second;
    const size_t open = name.find('(');
    if (open == std::string::npos || name.back() != ')') {
      throw OptionError(fmt::format("'{}' is no image: hr, lr, small(...) or a network's result, NAME(...)", name));
    }
    const std::string maker = name.substr(0, open);
    const torch::Tensor x = at(name.substr(open + 1, name.size() - open - 2));
    return known_[name] = maker == "small" ? small(x) : made_by(maker, x);
  }

 private:
  torch::Tensor small(const torch::Tensor& x) const {
    const double factor = 1.0 / static_cast<double>(team_.plan_.scale);
    return imresize(x.to(torch::kCPU), {factor, factor}).to(x.device());
  }

  torch::Tensor made_by(const std::string& maker, const torch::Tensor& x) {
    const Network& network = *team_.named(maker).network;
    const bool trained = std::find(stage_.trained.begin(), stage_.trained.end(), maker) != stage_.trained.end();
    return network.forward(x, trained ? network.parameters() : network.parameters().detach(), 0, trained);
  }

  Team& team_;
  const Stage& stage_;
  std::map<std::string, torch::Tensor> known_;
};

Team::Team(const TeamPlan& plan, const PatchSource& source, uint64_t seed, torch::Device device)
    : plan_(plan), source_(source), device_(device) {
  for (const Member& member : plan.members) {
    const networks::Kind& kind = *networks::find_kind(member.network);
    Random random(derive_seed(seed, "team " + member.name));
    auto network = std::make_unique<Network>(kind, kind.configured(member.scale, member.fields), random);
    if (!member.init.empty()) network->begin_with(load_weights(member.init));
    network->move_to(device);
    FlatAdam adam(network->parameters().numel(), device, 0.9, 0.999);
    members_.push_back({member, std::move(network), std::move(adam)});
  }
  for (const auto& [name, options] : plan.judges) {
    Random random(derive_seed(seed, "judge " + name));
    judges_[name] = std::make_unique<Adversary>(options, random, device);
  }
}

Team::Trained& Team::named(const std::string& name) {
  for (Trained& one : members_) {
    if (one.member.name == name) return one;
  }
  throw OptionError(fmt::format("'{}' is no network of the plan", name));
}

WeightsFile Team::weights(const std::string& member) const {
  for (const Trained& one : members_) {
    if (one.member.name == member) return one.network->weights(one.network->parameters().detach());
  }
  throw OptionError(fmt::format("'{}' is no network of the plan", member));
}

const Stage& Team::stage_at(int64_t step) const {
  for (const Stage& stage : plan_.stages) {
    if (step < stage.steps) return stage;
    step -= stage.steps;
  }
  return plan_.stages.back();
}

double Team::step_once(const Batch& batch) {
  const Stage& stage = stage_at(step_);
  for (Trained& one : members_) one.network->parameters().mutable_grad().reset();
  Images images(*this, stage, batch);
  torch::Tensor loss;
  for (const TeamTerm& term : stage.loss) {
    const torch::Tensor made = images.at(term.made);
    const auto judge = judges_.find(term.loss);
    torch::Tensor value;
    if (judge != judges_.end()) {
      value = term.weight * judge->second->loss_of(made);
    } else {
      const torch::Tensor target = images.at(term.target);
      if (made.sizes() != target.sizes()) {
        throw OptionError(fmt::format("{} of {} and {}: {}x{} and {}x{} pixels", term.loss, term.made, term.target,
                                      made.size(3), made.size(2), target.size(3), target.size(2)));
      }
      value = total_loss({{term.loss, term.weight}}, {}, made, target, {});
    }
    loss = loss.defined() ? loss + value : value;
  }
  if (!loss.requires_grad()) throw OptionError("no network that is trained has a part in the loss");
  loss.backward();
  for (const std::string& name : stage.trained) {
    Trained& one = named(name);
    if (!one.network->parameters().grad().defined()) continue;
    one.adam.step(one.network->parameters().detach(), one.network->parameters().grad(), one.member.learning_rate);
  }
  for (const TeamTerm& term : stage.loss) {
    const auto judge = judges_.find(term.loss);
    if (judge == judges_.end()) continue;
    double own = 0.0;
    const torch::Tensor gradient =
        judge->second->gradient(images.at(term.made).detach(), images.at(term.target).detach(), own);
    judge->second->step(gradient, 1.0);
  }
  return loss.item<double>();
}

Summary Team::run(int64_t save_every, const RunContext& context, const std::function<void(const Team&)>& save) {
  Session session(context, "the last checkpoint stands");
  Summary summary;
  Prefetch batches(source_, step_, 0, source_.batch(), std::max<int64_t>(1, at::get_num_threads()));
  bool stop = false;
  while (step_ < plan_.steps() && !stop) {
    const double loss = step_once(batches.next().front());
    if (!std::isfinite(loss)) throw OptionError(fmt::format("the loss is no number any more at step {}", step_));
    ++step_;
    summary.final_loss = loss;
    session.report("train", step_, plan_.steps(), loss);
    stop = session.stopped() || session.out_of_time();
    if (save && (stop || step_ == plan_.steps() || step_ % save_every == 0)) save(*this);
  }
  if (step_ < plan_.steps()) summary.termination = session.termination(Termination::kStopped);
  summary.steps = step_;
  summary.train_s = session.elapsed_s();
  return summary;
}

nlohmann::ordered_json Team::fingerprint() const {
  nlohmann::ordered_json json = plan_.fingerprint();
  json.update(source_.describe());
  return json;
}

WeightsFile Team::checkpoint() const {
  WeightsFile file;
  file.origin = "the checkpoint";
  const auto append = [&](std::vector<NamedTensor> all) {
    for (NamedTensor& entry : all) file.tensors.push_back(std::move(entry));
  };
  for (const Trained& one : members_) {
    const std::string prefix = one.member.name + ".";
    append(one.adam.state(prefix + "adam."));
    file.tensors.push_back({prefix + "values", one.network->parameters().detach().to(torch::kCPU).clone()});
  }
  for (const auto& [name, judge] : judges_) append(judge->state(name + "."));
  file.metadata["team"] = fingerprint().dump();
  file.metadata["step"] = std::to_string(step_);
  return file;
}

void Team::restore(const WeightsFile& file) {
  const auto team = file.metadata.find("team");
  const auto step = file.metadata.find("step");
  if (team == file.metadata.end() || step == file.metadata.end()) {
    throw InputError(fmt::format("'{}' is no checkpoint of several networks", file.origin));
  }
  const auto there = nlohmann::ordered_json::parse(team->second, nullptr, false);
  if (!there.is_object()) throw InputError(fmt::format("'{}': its settings are damaged", file.origin));
  if (const std::string words = differences(there, fingerprint()); !words.empty()) {
    throw InputError(fmt::format("'{}' is the checkpoint of another run: it has {}", file.origin, words));
  }
  const torch::NoGradGuard no_grad;
  for (Trained& one : members_) {
    const std::string prefix = one.member.name + ".";
    one.adam.load_state(file, prefix + "adam.");
    torch::Tensor values = one.network->parameters().detach();
    values.copy_(file.take(prefix + "values", values.sizes()));
  }
  for (const auto& [name, judge] : judges_) judge->load_state(file, name + ".");
  step_ = std::atoll(step->second.c_str());
}

}  // namespace zsr::training
