#include "training/team.h"

#include "core/error.h"
#include "core/session.h"
#include "degradations/learned/generator.h"
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
#include <numbers>
#include <optional>

namespace zsr::training {
Team::Team(const TeamPlan& plan, const PatchSource& source, uint64_t seed, torch::Device device,
           const PatchSource* like, Communicator* processes)
    : plan_(plan),
      source_(source),
      like_(like),
      seed_(seed),
      device_(device),
      processes_(processes == nullptr ? alone_ : *processes) {
  if (plan.needs_like() && like == nullptr) {
    throw OptionError("the plan names 'like', images of another collection, and there is none");
  }
  if (!plan.features.empty()) features_ = load_content_features(plan.features);
  for (const Member& member : plan.members) {
    const networks::Kind& kind = *networks::find_kind(member.network);
    Random random(derive_seed(seed, "team " + member.name));
    auto network = std::make_unique<Network>(kind, kind.configured(member.scale, member.fields), random);
    if (!member.init.empty()) network->begin_with(load_weights(member.init));
    network->move_to(device);
    FlatAdam adam(network->parameters().numel(), device, member.momentum, 0.999);
    torch::Tensor mean;
    if (plan.average > 0.0) mean = network->parameters().detach().clone();
    members_.push_back({member, std::move(network), std::move(adam), mean});
  }
  for (const auto& [name, options] : plan.judges) {
    Random random(derive_seed(seed, "judge " + name));
    judges_[name] = std::make_unique<Adversary>(options, random, device);
  }
  if (processes_.size() > 1) plan.check_parallel();
  if (source.batch() < processes_.size()) {
    throw OptionError(
        fmt::format("batch = {} for {} processes, must be at least one patch each", source.batch(), processes_.size()));
  }
}

std::pair<int64_t, int64_t> Team::own_part(int64_t batch) const {
  return {batch * processes_.rank() / processes_.size(), batch * (processes_.rank() + 1) / processes_.size()};
}

const Team::Trained& Team::named(const std::string& name) const {
  for (const Trained& one : members_) {
    if (one.member.name == name) return one;
  }
  throw OptionError(fmt::format("'{}' is no network of the plan", name));
}

WeightsFile Team::weights(const std::string& member) const {
  const Trained& one = named(member);
  WeightsFile file = one.network->weights(one.kept());
  if (one.network->condition() == Condition::kGenerator) {
    file.metadata["trained_scale"] = std::to_string(plan_.scale);
  }
  return file;
}

std::pair<const Stage&, double> Team::stage_at(int64_t step) const {
  for (const Stage& stage : plan_.stages) {
    if (step < stage.steps) {
      const double left = 1.0 - static_cast<double>(step) / static_cast<double>(stage.steps);
      return {stage, stage.decay ? std::min(1.0, 2.0 * left) : 1.0};
    }
    step -= stage.steps;
  }
  return {plan_.stages.back(), 1.0};
}

std::map<std::string, torch::Tensor> Team::known_images(const Batch& batch, const Batch* like) const {
  std::map<std::string, torch::Tensor> known{{"hr", batch.target.to(device_)},
                                             {"lr", batch.input.slice(1, 0, 3).to(device_)}};
  if (like != nullptr) known["like"] = like->target.to(device_);
  return known;
}

torch::Tensor Team::made_by(const Trained& one, const torch::Tensor& image, const torch::Tensor& values, uint64_t seed,
                            bool training) const {
  torch::Tensor input = image;
  if (one.network->condition() == Condition::kGenerator) {
    const networks::Config& config = one.network->config();
    // Every patch has noise of its own, whichever process makes it.
    std::vector<torch::Tensor> patches;
    const int64_t first = own_part(source_.batch()).first;
    for (int64_t i = 0; i < image.size(0); ++i) {
      uint64_t own = seed + static_cast<uint64_t>(first + i);
      patches.push_back(
          with_maps(image.slice(0, i, i + 1), config.whole("noise"), config.whole("grid") != 0, splitmix64(own)));
    }
    input = torch::cat(patches);
  }
  return one.network->forward(input, values, 0, training);
}

torch::Tensor Team::loss_of(const TeamTerm& term, TeamImages& images) {
  const torch::Tensor made = images.at(term.made);
  const auto judge = judges_.find(term.loss);
  if (judge != judges_.end()) return judge->second->loss_of(made, images.at(term.target).detach());
  if (term.loss == "tv") return total_loss({{term.loss, 1.0}}, {}, made, made, {});
  const torch::Tensor target = images.at(term.target);
  if (made.sizes() != target.sizes()) {
    throw OptionError(fmt::format("{} of {} and {}: {}x{} and {}x{} pixels", term.loss, term.made, term.target,
                                  made.size(3), made.size(2), target.size(3), target.size(2)));
  }
  return total_loss({{term.loss, 1.0}}, {.features = features_}, made, target, {});
}

void Team::step_judges(const Stage& stage, TeamImages& images, double rate) {
  for (const TeamTerm& term : stage.loss) {
    const auto judge = judges_.find(term.loss);
    if (judge == judges_.end()) continue;
    const torch::Tensor made = images.at(term.made).detach();
    const torch::Tensor real = images.at(term.target).detach();
    double own = 0.0;
    torch::Tensor gradient = judge->second->gradient(made, real, own);
    if (processes_.size() > 1) {
      const double share = static_cast<double>(made.size(0)) / static_cast<double>(source_.batch());
      const torch::Tensor all =
          torch::cat({gradient.to(torch::kCPU), torch::tensor({static_cast<float>(own)})}).mul_(share);
      processes_.sum(all);
      gradient = all.narrow(0, 0, gradient.numel()).to(gradient.device());
      own = all[gradient.numel()].item<double>();
    }
    judge->second->step(gradient, rate);
    losses_.emplace_back("judge " + term.loss, own);
    const double guessing = plan_.judges.at(term.loss).loss == "ls" ? 0.25 : std::numbers::ln2;
    const std::string collapse =
        watch_.observe(term.loss, own / guessing, made.std().item<double>(), real.std().item<double>());
    if (!collapse.empty()) {
      throw OptionError(
          fmt::format("step {}: {}; the last checkpoint is from before. Try another --seed, or less of "
                      "the adversary",
                      step_ + 1, collapse));
    }
  }
}

bool Team::sum_over_processes(const std::vector<std::string>& trained, bool wish_to_stop) {
  if (processes_.size() == 1) return wish_to_stop;
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  std::vector<torch::Tensor> gradients;
  for (const Trained& one : members_) {
    if (std::find(trained.begin(), trained.end(), one.member.name) == trained.end()) continue;
    const torch::Tensor& gradient = one.network->parameters().grad();
    if (!gradient.defined()) continue;
    gradients.push_back(gradient);
    parts.push_back(gradient.to(torch::kCPU));
  }
  std::vector<float> numbers;
  for (const auto& [name, value] : losses_) numbers.push_back(static_cast<float>(value));
  numbers.push_back(wish_to_stop ? 1.0F : 0.0F);
  parts.push_back(torch::tensor(numbers));
  const torch::Tensor all = torch::cat(parts);
  processes_.sum(all);
  int64_t at = 0;
  for (torch::Tensor& gradient : gradients) {
    gradient.copy_(all.narrow(0, at, gradient.numel()));
    at += gradient.numel();
  }
  for (auto& [name, value] : losses_) value = all[at++].item<double>();
  return all[at].item<float>() > 0.0F;
}

std::pair<double, bool> Team::step_once(const Batch& batch, const Batch* like, bool wish_to_stop) {
  const auto& [stage, rate] = stage_at(step_);
  const std::vector<std::string>& trained = stage.trained;
  for (Trained& one : members_) one.network->parameters().mutable_grad().reset();
  TeamImages images(plan_.scale, known_images(batch, like),
                    [&](const std::string& name, const torch::Tensor& image, const std::string& expression) {
                      const Trained& one = named(name);
                      const bool learns = std::find(trained.begin(), trained.end(), name) != trained.end();
                      const torch::Tensor& own = one.network->parameters();
                      const uint64_t seed = derive_seed(seed_, fmt::format("noise {} {}", step_, expression));
                      return made_by(one, image, learns ? own : own.detach(), seed, learns);
                    });
  losses_.clear();
  const double share = static_cast<double>(batch.input.size(0)) / static_cast<double>(source_.batch());
  torch::Tensor loss;
  for (const TeamTerm& term : stage.loss) {
    const torch::Tensor value = share * loss_of(term, images);
    losses_.emplace_back(fmt::format("{} {} {}", term.loss, term.made, term.target), value.item<double>());
    loss = loss.defined() ? loss + term.weight * value : term.weight * value;
  }
  if (!loss.requires_grad()) throw OptionError("no network that is trained has a part in the loss");
  loss.backward();
  const bool stop = sum_over_processes(trained, wish_to_stop);
  double sum = 0.0;
  for (size_t i = 0; i < stage.loss.size(); ++i) sum += stage.loss[i].weight * losses_[i].second;
  for (Trained& one : members_) {
    if (std::find(trained.begin(), trained.end(), one.member.name) == trained.end()) continue;
    const torch::Tensor& gradient = one.network->parameters().grad();
    if (!gradient.defined()) continue;
    one.adam.step(one.network->parameters().detach(), gradient, rate * one.member.learning_rate);
    if (one.mean.defined()) one.mean.lerp_(one.network->parameters().detach(), 1.0 - plan_.average);
  }
  step_judges(stage, images, rate);
  return {sum, stop};
}

torch::Tensor Team::image(const std::string& expression, int64_t step) const {
  const torch::NoGradGuard no_grad;
  const Batch batch = source_.draw(step, 0, source_.batch()).front();
  std::vector<Batch> like;
  if (like_ != nullptr) like = like_->draw(step, 0, like_->batch());
  TeamImages images(plan_.scale, known_images(batch, like.empty() ? nullptr : &like.front()),
                    [&](const std::string& name, const torch::Tensor& image, const std::string& whole) {
                      const Trained& one = named(name);
                      const uint64_t seed = derive_seed(seed_, fmt::format("noise {} {}", step, whole));
                      return made_by(one, image, one.kept(), seed, false);
                    });
  return images.at(expression).to(torch::kCPU);
}

Summary Team::run(int64_t save_every, const RunContext& context, const std::function<void(const Team&)>& save) {
  Session session(context, "the last checkpoint stands");
  Summary summary;
  const int64_t threads = std::max<int64_t>(1, at::get_num_threads());
  const auto [first, last] = own_part(source_.batch());
  Prefetch batches(source_, step_, first, last, threads);
  std::optional<Prefetch> others;
  if (like_ != nullptr) others.emplace(*like_, step_, first, last, 1);
  bool wish_to_stop = false;
  bool stop = false;
  while (step_ < plan_.steps() && !stop) {
    const Batch batch = batches.next().front();
    std::vector<Batch> like;
    if (others) like = others->next();
    const auto [loss, one_stops] = step_once(batch, like.empty() ? nullptr : &like.front(), wish_to_stop);
    if (!std::isfinite(loss)) throw OptionError(fmt::format("the loss is no number any more at step {}", step_));
    ++step_;
    summary.final_loss = loss;
    session.report("train", step_, plan_.steps(), loss);
    wish_to_stop = session.stopped() || session.out_of_time();
    // Alone a wish is granted at once; together after the next step, when all know of it.
    stop = one_stops || (wish_to_stop && processes_.size() == 1);
    if (save && processes_.leads() && (stop || step_ == plan_.steps() || step_ % save_every == 0)) save(*this);
  }
  if (step_ < plan_.steps()) summary.termination = session.termination(Termination::kStopped);
  summary.steps = step_;
  summary.train_s = session.elapsed_s();
  return summary;
}

nlohmann::ordered_json Team::fingerprint() const {
  nlohmann::ordered_json json = plan_.fingerprint();
  json.update(source_.describe());
  if (like_ != nullptr) json["like"] = like_->describe().dump();
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
    if (one.mean.defined()) file.tensors.push_back({prefix + "mean", one.mean.to(torch::kCPU).clone()});
  }
  for (const auto& [name, judge] : judges_) append(judge->state(name + "."));
  file.metadata["team"] = fingerprint().dump();
  file.metadata["step"] = std::to_string(step_);
  file.metadata["seed"] = std::to_string(seed_);
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
    if (one.mean.defined()) one.mean.copy_(file.take(prefix + "mean", one.mean.sizes()));
  }
  for (const auto& [name, judge] : judges_) judge->load_state(file, name + ".");
  const auto seed = file.metadata.find("seed");
  if (seed != file.metadata.end()) seed_ = std::strtoull(seed->second.c_str(), nullptr, 10);
  step_ = std::atoll(step->second.c_str());
}

}  // namespace zsr::training
