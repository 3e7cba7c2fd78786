#include "training/trainer.h"

#include "core/error.h"
#include "core/session.h"
#include "training/fingerprint.h"
#include "training/prefetch.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

constexpr int64_t kMostRepairs = 3;
constexpr int64_t kPatience = 100;   // steps before a loss is judged against its mean
constexpr double kLostFactor = 8.0;  // a loss so many times its mean is no bad luck any more
constexpr double kForgetting = 0.01;

// What a checkpoint must agree with.
nlohmann::ordered_json fingerprint(const Network& network, const TrainOptions& options, const PatchSource& source) {
  std::string losses;
  for (const LossTerm& term : options.losses)
    losses += fmt::format("{}{}:{:g}", losses.empty() ? "" : ",", term.name, term.weight);
  nlohmann::ordered_json json{{"losses", losses},
                              {"network", network.kind().name},
                              {"scale", network.scales().back()},
                              {"optimizer", options.optimizer},
                              {"muon_decay", options.muon_decay},
                              {"ema", options.ema}};
  if (options.supervision.all()) {
    json["supervision"] = options.supervision.results;
    const bool falls = network.kind().supervision == networks::Supervision::kFalling;
    if (falls) json["companion_weight"] = companion_weight(options.supervision, 1, options.schedule.steps);
  }
  for (const auto& [name, value] : network.config().numbers()) json[name] = fmt::format("{:g}", value);
  json.update(source.describe());
  return json;
}

}  // namespace

void TrainOptions::validate() const {
  schedule.validate();
  supervision.validate();
  if (losses.empty()) throw OptionError("no loss named");
  if (optimizer != "muon" && optimizer != "adam") {
    throw OptionError(fmt::format("optimizer = '{}', must be muon or adam", optimizer));
  }
  if (!(learning_rate > 0.0)) throw OptionError(fmt::format("learning_rate = {:g}, must be > 0", learning_rate));
  if (!(muon_rate > 0.0)) throw OptionError(fmt::format("muon_rate = {:g}, must be > 0", muon_rate));
  if (!(muon_decay >= 0.0)) throw OptionError(fmt::format("muon_decay = {:g}, must be >= 0", muon_decay));
  if (!(clip >= 0.0)) throw OptionError(fmt::format("clip = {:g}, must be >= 0", clip));
  if (!(ema >= 0.0) || ema >= 1.0) throw OptionError(fmt::format("ema = {:g}, must be in [0, 1)", ema));
  if (save_every < 1) throw OptionError(fmt::format("save_every = {}, must be > 0", save_every));
}

Trainer::Trainer(Network& network, const PatchSource& source, const Validation& validation, const TrainOptions& options,
                 int64_t batch, Communicator& communicator, uint64_t seed)
    : network_(network),
      source_(source),
      validation_(validation),
      options_(options),
      batch_(batch),
      communicator_(communicator),
      optimizer_(network.parameters().numel(),
                 options.optimizer == "muon" ? network.hidden_matrices() : std::vector<MatrixSlice>{}, network.device(),
                 {.decay = options.muon_decay}),
      values_(network.parameters().detach()) {
  options_.validate();
  if (batch < communicator.size()) {
    throw OptionError(
        fmt::format("batch = {} for {} processes, must be at least one patch each", batch, communicator.size()));
  }
  const bool several = network.kind().supervision != networks::Supervision::kNone && network.has_intermediates();
  if (options.supervision.all() && !several) {
    throw OptionError(
        fmt::format("supervision = all, {} makes one result and no others on the way", network.kind().name));
  }
  if (!options_.growth.joins.empty() && (!network.kind().pyramid || !network.has_intermediates())) {
    throw OptionError(fmt::format("{} does not grow scale by scale", network.kind().name));
  }
  if (options.ema > 0.0) average_ = values_.clone();
  if (has_term(options.losses, "adversarial")) {
    Random random(derive_seed(seed, "adversary"));
    adversary_ = std::make_unique<Adversary>(options.adversary, random, network.device());
  }
}

void Trainer::step_adversary(const std::vector<torch::Tensor>& made, const std::vector<Batch>& batches, double rate) {
  torch::Tensor gradient;
  for (size_t i = 0; i < made.size(); ++i) {
    double loss = 0.0;
    const torch::Tensor own =
        adversary_->gradient(made[i], network_.target(batches[i].target), loss) * share_of(batches[i]);
    gradient = gradient.defined() ? gradient + own : own;
  }
  if (communicator_.size() > 1) {
    torch::Tensor all = gradient.to(torch::kCPU).contiguous();
    communicator_.sum(all);
    gradient = all.to(gradient.device());
  }
  adversary_->step(gradient, rate);
}

// Every process' and every scale's mean counts as much as its part of the batch.
double Trainer::share_of(const Batch& batch) const {
  return static_cast<double>(batch.input.size(0)) / static_cast<double>(batch_);
}

torch::Tensor Trainer::loss_of(const Batch& batch, std::vector<torch::Tensor>& images) const {
  if (network_.pixel_by_pixel()) {
    // The conditioning part learns by itself too, or it would leave everything to the other (Dahl et al. 2017).
    const auto entropy = network_.level_entropy(batch.input, batch.target, network_.parameters(), true);
    return (entropy.both + entropy.conditioning) * share_of(batch);
  }
  if (options_.supervision.all() || !options_.growth.joins.empty()) return loss_of_all(batch, images);
  torch::Tensor made = network_.forward(batch.input, network_.parameters(), batch.scale, true, batch.kernels);
  if (batch.base.defined()) made = made + batch.base.to(made.device());
  if (adversary_) images.push_back(made.detach());
  return total_loss(options_.losses, {options_.features, adversary_.get()}, made, network_.target(batch.target),
                    network_.target(batch.input.slice(1, 0, 3))) *
         share_of(batch);
}

Network::Results Trainer::results_of(const Batch& batch) const {
  const auto at = std::find(network_.scales().begin(), network_.scales().end(), batch.scale);
  const double own = options_.growth.own_part(static_cast<size_t>(at - network_.scales().begin()), state_.step);
  if (own == 1.0 && !options_.supervision.all()) {
    return {network_.forward(batch.input, network_.parameters(), batch.scale, true, batch.kernels), {}};
  }
  Network::Results results = network_.forward_all(batch.input, network_.parameters(), batch.scale, true, batch.kernels);
  if (own < 1.0) {
    torch::Tensor before = results.on_the_way.back().made;
    if (before.size(2) != results.made.size(2)) {
      before =
          torch::upsample_bilinear2d(before, {results.made.size(2), results.made.size(3)}, /*align_corners=*/false);
    }
    results.made = own * results.made + (1.0 - own) * before;
  }
  if (!options_.supervision.all()) results.on_the_way.clear();
  return results;
}

torch::Tensor Trainer::loss_of_all(const Batch& batch, std::vector<torch::Tensor>& images) const {
  const Network::Results results = results_of(batch);
  if (adversary_) images.push_back(results.made.detach());
  const torch::Tensor input = network_.target(batch.input.slice(1, 0, 3));
  const LossHelpers helpers{options_.features, adversary_.get()};
  const double weight = companion_weight(options_.supervision, state_.step, options_.schedule.steps);
  return supervised_loss(network_.kind().supervision, weight, results, network_.target(batch.target),
                         [&](const torch::Tensor& made, const torch::Tensor& target) {
                           return total_loss(options_.losses, helpers, made, target, input);
                         }) *
         share_of(batch);
}

Trainer::StepResult Trainer::step_once(const std::vector<Batch>& batches, bool wish_to_stop) {
  network_.parameters().mutable_grad().reset();
  std::vector<torch::Tensor> images;
  double value = 0.0;
  for (const Batch& batch : batches) {
    const torch::Tensor loss = loss_of(batch, images);
    loss.backward();
    value += loss.item<double>();
  }
  const torch::NoGradGuard no_grad;
  const torch::Tensor gradient = network_.parameters().grad();
  bool stop = wish_to_stop;
  if (communicator_.size() > 1) {
    // One buffer: the gradient, the loss and who wishes to stop, so that all stop after the same step.
    torch::Tensor all =
        torch::cat({gradient.to(torch::kCPU), torch::tensor({static_cast<float>(value), wish_to_stop ? 1.0F : 0.0F})});
    communicator_.sum(all);
    gradient.copy_(all.narrow(0, 0, gradient.numel()));
    value = all[gradient.numel()].item<double>();
    stop = all[gradient.numel() + 1].item<float>() > 0.0F;
  }
  const double length = gradient.norm().item<double>();
  if (!std::isfinite(value) || !std::isfinite(length)) return {std::numeric_limits<double>::quiet_NaN(), stop};
  if (options_.clip > 0.0 && length > options_.clip) gradient.mul_(options_.clip / length);
  const double rate = rate_share(options_.schedule, state_.step) * state_.rate_factor;
  optimizer_.step(values_, gradient, rate * options_.learning_rate, rate * options_.muon_rate);
  if (adversary_) {
    const torch::AutoGradMode with_gradients(true);
    step_adversary(images, batches, rate);
  }
  if (average_.defined()) {
    // Young averages follow faster, so that the first weights are soon forgotten.
    const auto t = static_cast<double>(state_.step);
    average_.lerp_(values_, 1.0 - std::min(options_.ema, (1.0 + t) / (10.0 + t)));
  }
  return {value, stop};
}

void Trainer::add_line() {
  LogLine line{state_.step,
               state_.seconds,
               state_.loss_sum / static_cast<double>(std::max<int64_t>(1, state_.loss_count)),
               rate_share(options_.schedule, state_.step) * state_.rate_factor,
               {}};
  if (communicator_.leads() && !validation_.empty()) line.score = validation_.score(network_, best_parameters());
  state_.log.push_back(line);
  state_.loss_sum = 0.0;
  state_.loss_count = 0;
}

bool Trainer::repair(const WeightsFile& good, Summary& summary) {
  const double factor = state_.rate_factor;
  const int64_t repairs = state_.repairs + 1;
  restore(good);
  state_.repairs = repairs;
  state_.rate_factor = 0.5 * factor;
  if (repairs <= kMostRepairs) return true;
  summary.termination = Termination::kDiverged;
  summary.message = fmt::format(
      "the loss left its course {} times, from step {} on the last time; smaller rates (--learning-rate, --muon-rate) "
      "or --clip may help",
      repairs, state_.step);
  return false;
}

Summary Trainer::run(const RunContext& context, const SaveFn& save) {
  Session session(context, "the last checkpoint stands", state_.seconds);
  Summary summary;
  const int64_t first = batch_ * communicator_.rank() / communicator_.size();
  const int64_t last = batch_ * (communicator_.rank() + 1) / communicator_.size();
  // Degrading by a recipe costs as much as learning from it: it gets as many threads as the network.
  const int64_t drawers = std::max<int64_t>(1, at::get_num_threads());
  auto batches = std::make_unique<Prefetch>(source_, state_.step, first, last, drawers);
  WeightsFile good = checkpoint();
  bool wish_to_stop = false;
  while (state_.step < options_.schedule.steps) {
    const auto [loss, stop] = step_once(batches->next(), wish_to_stop);
    const bool lost = !std::isfinite(loss) ||
                      (state_.step > kPatience && state_.loss_mean > 0.0 && loss > kLostFactor * state_.loss_mean);
    if (lost) {
      waited_s_ += batches->waited_s();
      if (!repair(good, summary)) break;
      batches = std::make_unique<Prefetch>(source_, state_.step, first, last, drawers);
      continue;
    }
    ++state_.step;
    state_.loss_mean = state_.loss_mean > 0.0 ? state_.loss_mean + kForgetting * (loss - state_.loss_mean) : loss;
    state_.loss_sum += loss;
    ++state_.loss_count;
    session.report("train", state_.step, options_.schedule.steps, state_.loss_mean);
    wish_to_stop = session.stopped() || session.out_of_time();
    // Alone a wish is granted at once; together after the next step, when all know of it.
    const bool stops = stop || (wish_to_stop && communicator_.size() == 1);
    const bool done = state_.step == options_.schedule.steps;
    const bool end = done || stops;
    const bool regular = state_.step % options_.save_every == 0;
    if (end || regular) {
      state_.seconds = session.elapsed_s();
      // Where a run is stopped its log has no line: going on, it has the lines of a run that never stopped.
      if (done || regular) add_line();
      good = checkpoint();
      if (communicator_.leads() && save) save(*this, good);
    }
    if (end) {
      if (!done) summary.termination = session.termination(Termination::kStopped);
      break;
    }
  }
  waited_s_ += batches->waited_s();
  summary.steps = state_.step;
  summary.final_loss = state_.loss_mean;
  summary.train_s = session.elapsed_s();
  return summary;
}

WeightsFile Trainer::checkpoint() const {
  WeightsFile file;
  file.origin = "the checkpoint";
  file.tensors = optimizer_.state("optimizer.");
  if (adversary_) {
    for (NamedTensor& entry : adversary_->state("adversary.")) file.tensors.push_back(std::move(entry));
  }
  file.tensors.push_back({"values", values_.to(torch::kCPU).clone()});
  if (average_.defined()) file.tensors.push_back({"average", average_.to(torch::kCPU).clone()});
  nlohmann::ordered_json log = nlohmann::ordered_json::array();
  for (const LogLine& line : state_.log) {
    log.push_back({line.step, line.seconds, line.loss, line.rate, line.score.psnr, line.score.psnr_blur,
                   line.score.log_likelihood});
  }
  const nlohmann::ordered_json json{{"step", state_.step},
                                    {"seconds", state_.seconds},
                                    {"rate_factor", state_.rate_factor},
                                    {"repairs", state_.repairs},
                                    {"loss_mean", state_.loss_mean},
                                    {"loss_sum", state_.loss_sum},
                                    {"loss_count", state_.loss_count},
                                    {"log", log}};
  file.metadata["state"] = json.dump();
  file.metadata["run"] = fingerprint(network_, options_, source_).dump();
  return file;
}

void Trainer::restore(const WeightsFile& file) {
  const auto run = file.metadata.find("run");
  const auto state = file.metadata.find("state");
  if (run == file.metadata.end() || state == file.metadata.end()) {
    throw InputError(fmt::format("'{}' is no checkpoint of zsr train", file.origin));
  }
  const nlohmann::ordered_json own = fingerprint(network_, options_, source_);
  const auto there = nlohmann::ordered_json::parse(run->second, nullptr, false);
  if (!there.is_object()) throw InputError(fmt::format("'{}': its settings are damaged", file.origin));
  if (const std::string words = differences(there, own); !words.empty()) {
    throw InputError(fmt::format("'{}' is the checkpoint of another run: it has {}", file.origin, words));
  }
  const torch::NoGradGuard no_grad;
  // What is damaged, but for the optimiser's part, shows before anything changes.
  const torch::Tensor values = file.take("values", values_.sizes());
  const torch::Tensor average = average_.defined() ? file.take("average", average_.sizes()) : torch::Tensor();
  TrainState read;
  try {
    const auto json = nlohmann::json::parse(state->second);
    read.step = json.at("step").get<int64_t>();
    read.seconds = json.at("seconds").get<double>();
    read.rate_factor = json.at("rate_factor").get<double>();
    read.repairs = json.at("repairs").get<int64_t>();
    read.loss_mean = json.at("loss_mean").get<double>();
    read.loss_sum = json.at("loss_sum").get<double>();
    read.loss_count = json.at("loss_count").get<int64_t>();
    for (const auto& line : json.at("log")) {
      read.log.push_back({line.at(0),
                          line.at(1),
                          line.at(2),
                          line.at(3),
                          {line.at(4), line.at(5), line.size() > 6 ? line.at(6).get<double>() : 0.0}});
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError(fmt::format("'{}': its state is damaged ({})", file.origin, error.what()));
  }
  optimizer_.load_state(file, "optimizer.");
  if (adversary_) adversary_->load_state(file, "adversary.");
  values_.copy_(values);
  if (average_.defined()) average_.copy_(average);
  state_ = std::move(read);
}

}  // namespace zsr::training
