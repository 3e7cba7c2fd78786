#include "cli/train/train_network.h"

#include "cli/flags/common_flags.h"
#include "cli/flags/degrade_flags.h"
#include "cli/flags/method_flags.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/usage_error.h"
#include "cli/train/train_flags.h"
#include "cli/train/train_photos.h"
#include "core/error.h"
#include "core/json_bytes.h"
#include "core/values.h"
#include "networks/registry.h"
#include "nn/weights/safetensors.h"
#include "nn/weights/shipped.h"
#include "training/communicator.h"
#include "training/curve.h"
#include "training/trainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <filesystem>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

fs::path checkpoint_path(const fs::path& output) {
  return output.string() + ".checkpoint";
}

WeightsFile final_weights(const training::Network& network, const training::Trainer& trainer, const TrainFlags& flags,
                          const std::string& command) {
  WeightsFile weights = network.weights(trainer.best_parameters());
  if (flags.half) weights.halve();
  weights.metadata["command"] = command;
  weights.metadata["steps"] = std::to_string(trainer.state().step);
  return weights;
}

std::string log_text(const training::TrainState& state) {
  std::string text = "step,seconds,loss,rate,psnr,psnr_blur\n";
  for (const training::LogLine& line : state.log) {
    text += fmt::format("{},{:.1f},{:.8g},{:.6g},{:.4f},{:.4f}\n", line.step, line.seconds, line.loss, line.rate,
                        line.score.psnr, line.score.psnr_blur);
  }
  return text;
}

// The command that trains these weights again. People pass weights on: of files and folders it has the names alone, not
// where they lie.
std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "zsr train";
  for (const std::string& argument : arguments) {
    if (argument == "--resume" || argument == "--force") continue;
    const size_t value = argument.starts_with("--") ? argument.find('=') + 1 : 0;  // of "--init=FILE"; 0: all of it
    fs::path name = argument.substr(value);
    if (!name.has_filename()) name = name.parent_path();  // "photos/"
    line += " " + argument.substr(0, value) + name.filename().string();
  }
  return line;
}

// Features and adversaries look at colours.
void refuse_color_losses(const std::vector<training::LossTerm>& losses, const std::string& network) {
  for (const char* const name : {"content", "adversarial"}) {
    if (training::has_term(losses, name)) {
      throw UsageError(fmt::format("{} makes luma only; the loss '{}' needs colours", network, name));
    }
  }
}

// What says how small photos are made says nothing where they are given.
void refuse_beside_pairs(const TrainFlags& flags, const networks::Kind& kind, const std::vector<std::string>& folders) {
  if (!folders.empty()) throw UsageError(fmt::format("--pairs takes the place of '{}': give one of them", folders[0]));
  if (!flags.recipe.empty() || !flags.stages.empty() || flags.sizes != "1" || flags.patches.curriculum > 0) {
    throw UsageError("--pairs are used as they are; leave --recipe, --stages, --sizes and --curriculum out");
  }
  if (kind.all_scales || kind.traits.condition != networks::Condition::kNone) {
    throw UsageError(
        fmt::format("--pairs are of one scale and say nothing of blur and noise; {} needs more", kind.name));
  }
}

// Where the photos or pairs are.
std::vector<std::string> folders_of(const TrainFlags& flags, const networks::Kind& kind) {
  const std::vector<std::string> folders(flags.words.begin() + 1, flags.words.end());
  if (flags.pairs.empty()) return folders;
  refuse_beside_pairs(flags, kind, folders);
  return {flags.pairs};
}

// What cannot be written, or gone on from, is said before the work.
void check_files(const TrainFlags& flags, const fs::path& photos) {
  const fs::path checkpoint = checkpoint_path(flags.output);
  const Overwrite overwrite = flags.force || flags.resume ? Overwrite::kYes : Overwrite::kNo;
  check_output(flags.output, photos, overwrite);
  check_output(checkpoint, photos, overwrite);
  if (flags.resume && !fs::exists(checkpoint)) {
    throw UsageError(fmt::format("there is no checkpoint '{}' to go on from; leave --resume out", checkpoint.string()));
  }
}

// A recipe for each of the network's scales.
std::map<int64_t, std::shared_ptr<const Recipe>> recipes_of(const std::string& name, const TrainFlags& flags,
                                                            const training::Network& network) {
  std::map<int64_t, std::shared_ptr<const Recipe>> recipes;
  for (const int64_t scale : network.scales()) {
    const auto s = static_cast<double>(scale);
    RecipeOptions options{.scale = {s, s}};
    if (!flags.kernel_pool.empty()) options.pool = kernel_pool(flags.kernel_pool, "zssr", true);
    recipes[scale] = make_recipe(name, options);
  }
  return recipes;
}

// The stages of --stages; the last one is the recipe of the rest.
void take_stages(TrainFlags& flags, const networks::Kind& kind, const training::Network& network) {
  if (flags.recipe != kind.training.recipe || flags.patches.curriculum > 0) {
    throw UsageError("--stages say which recipes there are and when; leave --recipe and --curriculum out");
  }
  const std::vector<training::StageText> stages = training::parse_stages(flags.stages);
  double percent = 0.0;
  for (size_t i = 0; i + 1 < stages.size(); ++i) {
    percent += stages[i].percent;
    const auto until = static_cast<int64_t>(percent / 100.0 * static_cast<double>(flags.train.schedule.steps) + 0.5);
    flags.patches.stages.push_back({until, recipes_of(stages[i].recipe, flags, network)});
  }
  flags.recipe = stages.back().recipe;
}

// Scales that are learnt one after another.
void take_growth(TrainFlags& flags, const networks::Kind& kind, const training::Network& network) {
  if (!flags.progressive) return;
  if (!kind.pyramid || network.scales().size() < 2) {
    throw UsageError(
        fmt::format("--progressive: {} learns one scale, or all of its own together; prosr, lapsrn and "
                    "mslapsrn grow from x2 on (-s 4 or more)",
                    kind.name));
  }
  flags.train.growth = training::ScaleGrowth::published(network.scales().size(), flags.train.schedule.steps);
  flags.patches.growth = flags.train.growth;
}

// How small photos are made for the network, into `flags.patches`.
void take_recipes(TrainFlags& flags, const networks::Kind& kind, const training::Network& network) {
  flags.patches.scales = network.scales();
  flags.patches.validate();
  take_growth(flags, kind, network);
  const bool takes =
      network.condition() == training::Condition::kNone || network.condition() == training::Condition::kDamage;
  if (!flags.stages.empty() && takes) take_stages(flags, kind, network);
  const bool by_kernel = network.condition() == training::Condition::kKernel;
  if (network.scales().size() > 1 && flags.recipe.empty() && !by_kernel) flags.recipe = "bicubic";
  if (kind.traits.channels == 1) refuse_color_losses(flags.train.losses, kind.name);
  if (!flags.kernel_pool.empty() && flags.recipe != "kmsr") {
    throw UsageError("--kernel-pool goes with --recipe kmsr; leave one out");
  }
  if (flags.recipe.empty() && flags.stages.empty()) return;
  if (!takes) {
    throw UsageError(fmt::format("{} is conditioned on blur and noise, which a recipe does not state; leave {} out",
                                 flags.network, flags.stages.empty() ? "--recipe" : "--stages"));
  }
  flags.patches.recipes = recipes_of(flags.recipe, flags, network);
}

training::PatchSource make_source(const TrainFlags& flags, const std::vector<std::string>& folders,
                                  const training::Network& network, bool quiet) {
  if (!flags.pairs.empty()) {
    return {load_pairs(flags.pairs, network.scales()[0], flags.patches.patch, quiet), flags.patches};
  }
  const int64_t least_side = training::PatchSource::least_side(flags.patches, network.condition());
  std::vector<double> sizes;
  for (const std::string& size : split_list(flags.sizes)) sizes.push_back(parse_number(size, "sizes"));
  return {training::with_smaller_sizes(load_photos(folders, least_side, quiet), sizes, least_side), network.condition(),
          flags.patches};
}

training::Validation make_validation(const TrainFlags& flags, const training::Network& network, bool quiet) {
  constexpr int64_t kLeastSide = 32;
  const std::vector<torch::Tensor> photos =
      flags.validate.empty() ? std::vector<torch::Tensor>{} : load_photos({flags.validate}, kLeastSide, quiet);
  training::Validation validation(photos, network);
  if (network.condition() == training::Condition::kDamage) validation.add_damaged(photos, flags.patches.recipes);
  return validation;
}

// What a run keeps: checkpoint, weights, log and its curve.
struct TrainFiles {
  const training::Network& network;
  const TrainFlags& flags;
  std::string command;
  bool quiet;
  ProgressPrinter& printer;

  void save(const training::Trainer& now, const WeightsFile& state) const {
    const fs::path output = flags.output;
    write_safetensors(checkpoint_path(output), state, Overwrite::kYes);
    write_safetensors(output, final_weights(network, now, flags, command), Overwrite::kYes);
    write_file_atomically(output.string() + ".csv", log_text(now.state()), Overwrite::kYes);
    write_file_atomically(output.string() + ".svg", training::curve_svg(now.state(), output.filename().string()),
                          Overwrite::kYes);
    if (quiet || now.state().log.empty()) return;
    const training::LogLine& line = now.state().log.back();
    printer.finish();
    const auto decibel = [](double value, const char* form) {
      return value > 0.0 ? fmt::format(fmt::runtime(form), value) : std::string();  // 0: not measured
    };
    const double likelihood = line.score.log_likelihood;
    fmt::print(stderr, "step {}: loss {:.6f}{}{}{}, {:.0f} s\n", line.step, line.loss,
               likelihood == 0.0 ? "" : fmt::format(", log-likelihood {:.4f} nats a colour value", likelihood),
               decibel(line.score.psnr, ", PSNR {:.3f} dB"), decibel(line.score.psnr_blur, " ({:.3f} blurred)"),
               line.seconds);
  }
};

nlohmann::ordered_json result_json(const TrainFlags& flags, const training::Network& network,
                                   const training::PatchSource& source, const training::Trainer& trainer,
                                   const Summary& summary, const training::Communicator& processes,
                                   const Runtime& runtime) {
  const auto& log = trainer.state().log;
  return {{"command", "train"},
          {"network", flags.network},
          {"output", flags.output},
          {"photos", source.photo_count()},
          {"parameters", network.parameters().numel()},
          {"steps", summary.steps},
          {"termination", to_string(summary.termination)},
          {"loss", summary.final_loss},
          {"psnr", log.empty() ? 0.0 : log.back().score.psnr},
          {"log_likelihood", log.empty() ? 0.0 : log.back().score.log_likelihood},
          {"processes", processes.size()},
          {"seed", runtime.seed},
          {"seconds", summary.train_s},
          {"waited_for_data_s", trainer.waited_s()}};
}

}  // namespace

const std::vector<std::string>& trainable_networks() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const networks::Kind& kind : networks::kinds()) {
      if (kind.trains()) all.push_back(kind.name);
    }
    return all;
  }();
  return names;
}

int run_train_network(const std::vector<std::string>& arguments) {
  TrainFlags flags;
  CommonFlags common;
  const auto options = make_train_options(arguments.at(0), flags, common);
  if (!options->parse(arguments)) return kExitOk;
  const networks::Kind& kind = *networks::find_kind(flags.network);
  settle_train_flags(flags);
  const networks::Config config = chosen_configuration(flags);
  if (!flags.features.empty() && training::has_term(flags.train.losses, "content")) {
    flags.train.features = training::load_content_features(flags.features, flags.content_layer);
  }
  const std::vector<std::string> folders = folders_of(flags, kind);
  check_files(flags, folders[0]);
  const auto processes = training::make_communicator([] { return interrupted(); });
  if (!processes->leads()) common.quiet = true;
  const Runtime runtime = start_runtime(common);
  flags.patches.seed = derive_seed(runtime.seed, "training-patches");

  Random random(derive_seed(runtime.seed, "training-weights"));
  training::Network network(kind, config, random);
  take_recipes(flags, kind, network);
  // The smallest scale of a pyramid alone has nothing on the way.
  if (flags.supervision.empty() && !network.has_intermediates()) flags.train.supervision.results = "final";
  if (!flags.init.empty()) network.begin_with(load_or_shipped(flags.init));
  network.move_to(runtime.device);
  const training::PatchSource source = make_source(flags, folders, network, common.quiet);
  const training::Validation validation = make_validation(flags, network, common.quiet);
  training::Trainer trainer(network, source, validation, flags.train, flags.patches.batch, *processes, runtime.seed);
  if (flags.resume) trainer.restore(read_safetensors(checkpoint_path(flags.output)));
  if (!common.quiet) {
    fmt::print(stderr, "{} x{}: {} parameters, {} photos, {} steps of {} patches {}x{}; {} thread(s), seed {}\n",
               flags.network, fmt::join(network.scales(), ", x"), network.parameters().numel(), source.photo_count(),
               flags.train.schedule.steps, flags.patches.batch, flags.patches.patch, flags.patches.patch,
               runtime.threads, runtime.seed);
  }
  ProgressPrinter printer(common.quiet);
  RunContext context;
  context.seed = runtime.seed;
  if (!flags.time.empty()) context.time_budget_s = parse_duration(flags.time, "time");
  context.progress = [&](const Progress& now) { return printer(now); };
  const TrainFiles files{network, flags, command_line(arguments), common.quiet, printer};
  const Summary summary =
      trainer.run(context, [&](const training::Trainer& now, const WeightsFile& state) { files.save(now, state); });
  printer.finish();
  const bool diverged = summary.termination == Termination::kDiverged;
  if (diverged) fmt::print(stderr, "zsr: training stopped: {}\n", summary.message);
  if (!processes->leads()) return diverged ? kExitFailed : kExitOk;
  if (common.json) {
    fmt::print("{}\n", json_text(result_json(flags, network, source, trainer, summary, *processes, runtime), 2));
  } else {
    fmt::print("{}\n", flags.output);
  }
  if (diverged) return kExitFailed;
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
