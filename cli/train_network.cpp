#include "cli/train_network.h"

#include "cli/common_flags.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/refusals.h"
#include "cli/usage_error.h"
#include "cli/values.h"
#include "core/error.h"
#include "core/image/photo.h"
#include "core/json_bytes.h"
#include "datasets/benchmark_layout.h"
#include "datasets/image_folder.h"
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

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

namespace zsr::cli {
namespace {

namespace fs = std::filesystem;

struct TrainFlags {
  std::vector<std::string> words;  // the network, then folders
  std::string output;
  std::string network;
  int64_t scale = 2;
  std::map<std::string, std::string> fields;  // of the configuration, by name; as typed
  std::string old_width;                      // --width, as --channels was called
  training::PatchOptions patches;
  training::TrainOptions train;
  std::string losses = "l1";
  std::string sizes = "1";
  std::string recipe;
  std::string known_soft;
  std::string features;
  std::string vgg;  // the older name of `features`
  std::string content_layer;
  std::string init;
  std::string validate;
  std::string pairs;
  std::string time;
  bool resume = false;
  bool half = false;
  bool force = false;
};

// What the network's row says beside its published configuration.
void set_defaults(TrainFlags& flags, const std::string& network) {
  flags.network = network;
  const networks::TrainingDefaults& defaults = networks::find_kind(network)->training;
  flags.patches.noise = defaults.noise.value_or(flags.patches.noise);
  flags.patches.sharp = defaults.sharp.value_or(flags.patches.sharp);
  flags.train.muon_rate = defaults.muon_rate.value_or(flags.train.muon_rate);
  flags.recipe = defaults.recipe;
}

// A field's name as a flag.
std::string flag_of(std::string name) {
  if (name == "width") return "channels";  // --width is a size in pixels elsewhere
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

// What can be chosen of any network, with the networks that have it and their published values.
std::map<std::string, std::string> field_meanings() {
  std::map<std::string, std::string> all;
  for (const networks::Kind& kind : networks::kinds()) {
    if (kind.trainable_scales.empty()) continue;
    for (const networks::Field& field : kind.fields) {
      std::string& text = all[field.name];
      if (text.empty()) text = fmt::format("{}. Default: ", capitalised(field.meaning));
      text += fmt::format("{}{} {:g}", text.ends_with(": ") ? "" : ", ", kind.name, field.published);
    }
  }
  return all;
}

// Throws UsageError where both names were given.
void take_old_width(TrainFlags& flags) {
  if (flags.old_width.empty()) return;
  if (!flags.fields["width"].empty()) throw UsageError("--width is the old name of --channels; give one of them");
  fmt::print(stderr, "zsr: warning: --width is called --channels now; the old name goes with the next release\n");
  flags.fields["width"] = flags.old_width;
}

std::map<std::string, double> chosen_fields(const TrainFlags& flags) {
  std::map<std::string, double> chosen;
  for (const auto& [name, text] : flags.fields) {
    if (!text.empty()) chosen[name] = parse_number(text, flag_of(name).c_str());
  }
  return chosen;
}

std::unique_ptr<OptionSet> make_options(TrainFlags& flags, CommonFlags& common) {
  auto options = std::make_unique<OptionSet>(
      "zsr train NETWORK PHOTO_FOLDER... -o WEIGHTS.safetensors [options]",
      fmt::format("Trains a network on photos that it makes smaller itself. Networks: {}.\n"
                  "A checkpoint (WEIGHTS.safetensors.checkpoint), the log (.csv) and its curve (.svg) are kept beside "
                  "the weights;\nwhat was interrupted goes on with --resume as if it had not been.",
                  fmt::join(trainable_networks(), ", ")),
      "  zsr train edsr photos/ -o edsr_x2.safetensors -s 2 --validate Set5/HR\n"
      "  zsr train edsr photos/ -o edsr_x4.safetensors -s 4 --init edsr_x2.safetensors\n"
      "  zsr train srmd photos/ -o srmd_x2.safetensors -s 2 --steps 50000\n"
      "  zsr train srmd-edsr photos/ -o srmd_x2.safetensors -s 2 --init edsr-light-x2 --depth 12\n"
      "  zsr train edsr photos/ -o real_x4.safetensors -s 4 --recipe bsrgan\n");
  options->group("Network");
  options->positional("input,i", "NETWORK", "The network, then folders of sharp photos", &flags.words);
  options->add("output,o", "FILE", "Weights file (.safetensors)", &flags.output);
  options->add("scale,s", "FACTOR",
               "One that the network is trained for; mdsr, carn, usrnet and restorer learn all at once", &flags.scale);
  for (const auto& [name, meaning] : field_meanings()) {
    options->add(flag_of(name), "N", meaning, &flags.fields[name]);
  }
  options->add("width", "N", "Old name of --channels", &flags.old_width);
  options->add(
      "init", "FILE",
      "Weights to begin with, a file or a name like edsr-light-x2; what another scale or a network of fewer layers "
      "shares is taken too",
      &flags.init);
  options->group("What it sees");
  options->add("patch", "PIXELS", "Side of an LR patch", &flags.patches.patch);
  options->add("batch", "N", "Patches a step", &flags.patches.batch);
  options->add("sizes", "LIST", "Photos at these sizes: 1,0.8,0.6 has smaller copies too, which are sharper",
               &flags.sizes);
  options->add("noise", "LEVEL", "srmd, srmd-edsr, zssr-start, usrnet: highest noise, 0-75", &flags.patches.noise);
  options->add("noisy", "SHARE", "The same: of the patches that have noise", &flags.patches.noisy);
  options->add("sharp", "SHARE", "The same: of the patches that are only made smaller, not blurred before",
               &flags.patches.sharp);
  options->add("direct", "SHARE", "srmd, srmd-edsr: of the patches that are blurred and thinned, without imresize",
               &flags.patches.direct);
  options->add("recipe", "NAME",
               "edsr, restorer: how LR patches are made: bicubic, bsrgan, ... or a .json file; several with weights: "
               "photo:0.6,realesrgan:0.4; see 'degrade'",
               &flags.recipe);
  options->add("known", "FRACTION", "restorer: patches whose noise level, and JPEG quality, the network is given",
               &flags.patches.known);
  options->add("known-soft", "FRACTION",
               "restorer: the same for patches that were blurred or resampled more than once. Default: as --known",
               &flags.known_soft);
  options->add("curriculum", "N", "Steps over which blur, noise and recipe go from easy to what they are",
               &flags.patches.curriculum);
  options->add(
      "pairs", "FOLDER",
      "Pairs of photos instead of photo folders: HR and LR as 'zsr degrade' writes them, or a benchmark's layout",
      &flags.pairs);
  options->add("validate", "FOLDER", "HR photos that are only tested on", &flags.validate);
  options->group("How it learns");
  options->add("steps", "N", "Training steps", &flags.train.schedule.steps);
  options->add("schedule", "NAME", "cosine, constant, or steps (halved at 50, 80, 90 and 95 %)",
               &flags.train.schedule.name);
  options->add("warm-up", "N", "Steps over which the rates rise", &flags.train.schedule.warm_up);
  options->add("loss", "LIST", fmt::format("{}; with weights: l1:1,tv:0.01", fmt::join(training::loss_names(), ", ")),
               &flags.losses);
  options->add("features", "FILE",
               "Loss content: weights of torchvision's vgg16 or vgg19, or SqueezeNet 1.0 of Deep Compression",
               &flags.features);
  options->add("vgg", "FILE", "The same as --features", &flags.vgg);
  options->add("content-layer", "NAME",
               "Loss content: conv1_1 to conv5_4 (VGG) [conv5_4]; conv1, fire2 to fire9 with commas between them "
               "(SqueezeNet) [fire2,fire3,fire4,fire5,fire7]",
               &flags.content_layer);
  options->add("adversary", "NAME", "Loss adversarial: unet (a judgement a pixel) or patch",
               &flags.train.adversary.network);
  options->add("adversary-loss", "NAME", "vanilla (cross entropy) or ls (least squares)", &flags.train.adversary.loss);
  options->add("adversary-rate", "RATE", "The adversary's rate of adam", &flags.train.adversary.learning_rate);
  options->add("optimizer", "NAME", "muon (hidden layers; adam for the others) or adam", &flags.train.optimizer);
  options->add("learning-rate", "RATE", "Highest rate of adam", &flags.train.learning_rate);
  options->add("muon-rate", "RATE", "Highest rate of muon", &flags.train.muon_rate);
  options->add("muon-decay", "SHARE", "What a step of muon takes off the weights, times its rate",
               &flags.train.muon_decay);
  options->add("clip", "LENGTH", "Longest gradient; 0 = as it is", &flags.train.clip);
  options->add("ema", "MEMORY", "Of the averaged weights, which are what is kept; 0 = the last weights",
               &flags.train.ema);
  options->group("Run");
  options->add("time", "DURATION", "Stop after, e.g. 90m; --resume goes on", &flags.time);
  options->add("save-every", "N", "Steps between checkpoints", &flags.train.save_every);
  options->flag("resume", "Go on from the checkpoint", &flags.resume);
  options->flag("half", "Weights as 16-bit numbers", &flags.half);
  options->flag("force", "Replace existing files", &flags.force);
  add_common_flags(*options, common);
  return options;
}

// RGB photos of at least `least` pixels a side as bytes; what cannot serve is named and left out.
std::vector<torch::Tensor> load_photos(const std::vector<std::string>& folders, int64_t least, bool quiet) {
  std::vector<torch::Tensor> photos;
  std::vector<std::string> left_out;
  for (const std::string& folder : folders) {
    for (const fs::path& path : list_images(folder, true)) {
      try {
        const Photo photo = load_photo(path);
        const int64_t side = std::min(photo.color.size(2), photo.color.size(3));
        if (side < least) {
          left_out.push_back(
              fmt::format("'{}': its shorter side has {} pixels, {} are needed", path.string(), side, least));
          continue;
        }
        photos.push_back(photo.color[0].expand({3, -1, -1}).mul(255.0).round().to(torch::kUInt8).contiguous());
      } catch (const InputError& error) {
        left_out.push_back(error.what());
      } catch (const IoError& error) {
        left_out.push_back(error.what());
      }
    }
  }
  if (!quiet) {
    constexpr size_t kNamed = 10;
    for (size_t i = 0; i < std::min(kNamed, left_out.size()); ++i) {
      fmt::print(stderr, "zsr: warning: left out {}\n", left_out[i]);
    }
    if (!left_out.empty()) {
      fmt::print(stderr, "zsr: warning: {} of {} photos cannot serve\n", left_out.size(),
                 left_out.size() + photos.size());
    }
  }
  if (photos.empty()) throw InputError(fmt::format("no photos that can serve in '{}'", fmt::join(folders, "', '")));
  return photos;
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
  if (!flags.recipe.empty() || flags.sizes != "1" || flags.patches.curriculum > 0) {
    throw UsageError("--pairs are used as they are; leave --recipe, --sizes and --curriculum out");
  }
  if (kind.all_scales || kind.traits.condition != networks::Condition::kNone) {
    throw UsageError(
        fmt::format("--pairs are of one scale and say nothing of blur and noise; {} needs more", kind.name));
  }
}

torch::Tensor as_bytes(const Photo& photo) {
  return photo.color[0].expand({3, -1, -1}).mul(255.0).round().to(torch::kUInt8).contiguous();
}

std::vector<training::TrainingPhoto> load_pairs(const std::string& folder, int64_t scale, int64_t patch, bool quiet) {
  std::vector<training::TrainingPhoto> pairs;
  size_t small = 0;
  for (const BenchmarkItem& item : find_benchmark(folder, scale, false).items) {
    if (item.lr.empty()) throw InputError(fmt::format("'{}' has no LR images for x{}", folder, scale));
    training::TrainingPhoto pair{as_bytes(load_photo(item.hr)), as_bytes(load_photo(item.lr))};
    // Some benchmarks leave a remainder of HR pixels.
    const int64_t height = pair.lr.size(1) * scale;
    const int64_t width = pair.lr.size(2) * scale;
    const bool fits = pair.hr.size(1) >= height && pair.hr.size(1) < height + scale && pair.hr.size(2) >= width &&
                      pair.hr.size(2) < width + scale;
    if (!fits) {
      throw InputError(fmt::format("'{}' is {}x{}, '{}' is {}x{}: not {} times as large", item.lr.string(),
                                   pair.lr.size(2), pair.lr.size(1), item.hr.string(), pair.hr.size(2), pair.hr.size(1),
                                   scale));
    }
    pair.hr = pair.hr.slice(1, 0, height).slice(2, 0, width).contiguous();
    if (std::min(pair.lr.size(1), pair.lr.size(2)) < patch) {
      ++small;
    } else {
      pairs.push_back(std::move(pair));
    }
  }
  if (small > 0 && !quiet) {
    fmt::print(stderr, "zsr: warning: {} of {} pairs are smaller than a patch of {} pixels and left out\n", small,
               small + pairs.size(), patch);
  }
  if (pairs.empty()) throw InputError(fmt::format("no pairs of at least {} LR pixels a side in '{}'", patch, folder));
  return pairs;
}

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

}  // namespace

const std::vector<std::string>& trainable_networks() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const networks::Kind& kind : networks::kinds()) {
      if (!kind.trainable_scales.empty()) all.push_back(kind.name);
    }
    return all;
  }();
  return names;
}

int run_train_network(const std::vector<std::string>& arguments) {
  TrainFlags flags;
  CommonFlags common;
  set_defaults(flags, arguments.at(0));
  const auto options = make_options(flags, common);
  if (!options->parse(arguments)) return kExitOk;
  refuse_gpu(*options, "zsr train");
  take_old_width(flags);
  const networks::Kind& kind = *networks::find_kind(flags.network);
  const networks::Config config = kind.configured(flags.scale, chosen_fields(flags));
  flags.train.losses = training::parse_losses(flags.losses);
  flags.train.validate();
  if (training::has_term(flags.train.losses, "content")) {
    if (!flags.features.empty() && !flags.vgg.empty()) throw UsageError("--vgg is --features: give one of them");
    if (flags.features.empty()) flags.features = flags.vgg;
    if (flags.features.empty()) throw UsageError("the loss 'content' needs --features FILE: VGG or SqueezeNet weights");
    flags.train.features = training::load_content_features(flags.features, flags.content_layer);
  }
  if ((flags.words.size() < 2 && flags.pairs.empty()) || flags.output.empty()) {
    throw UsageError("train needs folders of photos, or --pairs FOLDER, and -o FILE");
  }
  std::vector<std::string> folders(flags.words.begin() + 1, flags.words.end());
  if (!flags.pairs.empty()) {
    refuse_beside_pairs(flags, kind, folders);
    folders = {flags.pairs};
  }
  const fs::path output = flags.output;
  const fs::path checkpoint = checkpoint_path(output);
  const Overwrite overwrite = flags.force || flags.resume ? Overwrite::kYes : Overwrite::kNo;
  check_output(output, folders[0], overwrite);
  check_output(checkpoint, folders[0], overwrite);
  if (flags.resume && !fs::exists(checkpoint)) {
    throw UsageError(fmt::format("there is no checkpoint '{}' to go on from; leave --resume out", checkpoint.string()));
  }
  const auto processes = training::make_communicator([] { return interrupted(); });
  if (!processes->leads()) common.quiet = true;
  const Runtime runtime = start_runtime(common);
  if (!flags.known_soft.empty()) flags.patches.known_soft = parse_number(flags.known_soft, "known-soft");
  flags.patches.seed = derive_seed(runtime.seed, "training-patches");

  Random random(derive_seed(runtime.seed, "training-weights"));
  training::Network network(kind, config, random);
  flags.patches.scales = network.scales();
  flags.patches.validate();
  const bool by_kernel = network.condition() == training::Condition::kKernel;
  if (network.scales().size() > 1 && flags.recipe.empty() && !by_kernel) flags.recipe = "bicubic";
  if (kind.traits.channels == 1) refuse_color_losses(flags.train.losses, kind.name);
  if (!flags.recipe.empty()) {
    const bool takes =
        network.condition() == training::Condition::kNone || network.condition() == training::Condition::kDamage;
    if (!takes) {
      throw UsageError(fmt::format(
          "{} is conditioned on blur and noise, which a recipe does not state; leave --recipe out", flags.network));
    }
    for (const int64_t scale : network.scales()) {
      const auto s = static_cast<double>(scale);
      const bool file = flags.recipe.ends_with(".json") && flags.recipe.find(',') == std::string::npos;
      flags.patches.recipes[scale] =
          file ? load_recipe(flags.recipe, {s, s}) : make_recipe(flags.recipe, {.scale = {s, s}});
    }
  }
  if (!flags.init.empty()) network.begin_with(load_or_shipped(flags.init));
  const int64_t least_side = training::PatchSource::least_side(flags.patches, network.condition());
  std::vector<double> sizes;
  for (const std::string& size : split_list(flags.sizes)) sizes.push_back(parse_number(size, "sizes"));
  const training::PatchSource source =
      flags.pairs.empty()
          ? training::PatchSource(
                training::with_smaller_sizes(load_photos(folders, least_side, common.quiet), sizes, least_side),
                network.condition(), flags.patches)
          : training::PatchSource(load_pairs(flags.pairs, network.scales()[0], flags.patches.patch, common.quiet),
                                  flags.patches);
  const std::vector<torch::Tensor> validation_photos =
      flags.validate.empty() ? std::vector<torch::Tensor>{} : load_photos({flags.validate}, 32, common.quiet);
  training::Validation validation(validation_photos, network);
  if (network.condition() == training::Condition::kDamage) {
    validation.add_damaged(validation_photos, flags.patches.recipes);
  }
  training::Trainer trainer(network, source, validation, flags.train, flags.patches.batch, *processes, runtime.seed);
  if (flags.resume) trainer.restore(read_safetensors(checkpoint));
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
  const std::string command = command_line(arguments);
  const auto save = [&](const training::Trainer& now, const WeightsFile& state) {
    write_safetensors(checkpoint, state, Overwrite::kYes);
    write_safetensors(output, final_weights(network, now, flags, command), Overwrite::kYes);
    write_file_atomically(output.string() + ".csv", log_text(now.state()), Overwrite::kYes);
    write_file_atomically(output.string() + ".svg", training::curve_svg(now.state(), output.filename().string()),
                          Overwrite::kYes);
    if (!common.quiet && !now.state().log.empty()) {
      const training::LogLine& line = now.state().log.back();
      printer.finish();
      fmt::print(stderr, "step {}: loss {:.6f}, PSNR {:.3f} dB{}, {:.0f} s\n", line.step, line.loss, line.score.psnr,
                 line.score.psnr_blur > 0.0 ? fmt::format(" ({:.3f} blurred)", line.score.psnr_blur) : "",
                 line.seconds);
    }
  };
  const Summary summary = trainer.run(context, save);
  printer.finish();
  const bool diverged = summary.termination == Termination::kDiverged;
  if (diverged) fmt::print(stderr, "zsr: training stopped: {}\n", summary.message);
  const auto& log = trainer.state().log;
  if (!processes->leads()) return diverged ? kExitFailed : kExitOk;
  if (common.json) {
    const nlohmann::ordered_json json{{"command", "train"},
                                      {"network", flags.network},
                                      {"output", flags.output},
                                      {"photos", source.photo_count()},
                                      {"parameters", network.parameters().numel()},
                                      {"steps", summary.steps},
                                      {"termination", to_string(summary.termination)},
                                      {"loss", summary.final_loss},
                                      {"psnr", log.empty() ? 0.0 : log.back().score.psnr},
                                      {"processes", processes->size()},
                                      {"seed", runtime.seed},
                                      {"seconds", summary.train_s},
                                      {"waited_for_data_s", trainer.waited_s()}};
    fmt::print("{}\n", json_text(json, 2));
  } else {
    fmt::print("{}\n", flags.output);
  }
  if (diverged) return kExitFailed;
  return interrupted() ? interrupt_exit_code() : kExitOk;
}

}  // namespace zsr::cli
