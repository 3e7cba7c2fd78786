#include "cli/train/train_flags.h"

#include "cli/terminal/usage_error.h"
#include "cli/train/train_network.h"
#include "core/values.h"
#include "networks/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string>

namespace zsr::cli {
namespace {

// What the network's row says beside its published configuration.
void set_defaults(TrainFlags& flags, const std::string& network) {
  flags.network = network;
  const networks::TrainingDefaults& defaults = networks::find_kind(network)->training;
  flags.patches.noise = defaults.noise.value_or(flags.patches.noise);
  flags.patches.sharp = defaults.sharp.value_or(flags.patches.sharp);
  flags.train.muon_rate = defaults.muon_rate.value_or(flags.train.muon_rate);
  flags.recipe = defaults.recipe;
  flags.patches.patch = defaults.patch.value_or(flags.patches.patch);
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

// Fields of other networks than `own`, with the networks that have them and their published values.
std::map<std::string, std::string> other_fields(const networks::Kind& own) {
  std::map<std::string, std::string> all;
  for (const networks::Kind& kind : networks::kinds()) {
    if (!kind.trains()) continue;
    for (const networks::Field& field : kind.fields) {
      std::string& text = all[field.name];
      if (text.empty()) text = fmt::format("{}. Default: ", capitalised(field.meaning));
      text += fmt::format("{}{} {:g}", text.ends_with(": ") ? "" : ", ", kind.name, field.published);
    }
  }
  for (const networks::Field& field : own.fields) all.erase(field.name);
  return all;
}

void add_network_group(OptionSet& options, TrainFlags& flags) {
  const networks::Kind& own = *networks::find_kind(flags.network);
  if (own.trainable_scales.size() == 1) flags.scale = std::to_string(own.trainable_scales.front());
  if (own.pyramid) flags.scale = "4";
  options.group("Network");
  options.positional("input,i", "NETWORK", "The network, then folders of sharp photos", &flags.words);
  options.add("output,o", "FILE", "Weights file (.safetensors)", &flags.output);
  options.add(
      "scale,s", "FACTOR",
      "One that the network is trained for; vdsr, drcn and others on the enlarged photo also several, as 2,3,4; "
      "prosr, lapsrn and mslapsrn learn all up to it, mdsr, carn, usrnet and restorer all of theirs",
      &flags.scale);
  for (const networks::Field& field : own.fields) {
    options.add(flag_of(field.name), "N",
                fmt::format("{}. Default: {:g}, as published", capitalised(field.meaning), field.published),
                &flags.fields[field.name]);
  }
  options.add(
      "init", "FILE",
      "Weights to begin with, a file or a name like edsr-light-x2; what another scale or a network of fewer layers "
      "shares is taken too",
      &flags.init);
  // What another network would take is refused by name later (chosen_fields).
  options.group("Fields of other networks", OptionSet::Shown::kCompletions);
  for (const auto& [name, meaning] : other_fields(own)) {
    options.add(flag_of(name), "N", meaning, &flags.fields[name]);
  }
  options.add("width", "N", "Old name of --channels", &flags.old_width);
}

void add_patch_group(OptionSet& options, TrainFlags& flags) {
  options.group("What it sees");
  options.add("patch", "PIXELS", "Side of an LR patch", &flags.patches.patch);
  options.add("batch", "N", "Patches a step", &flags.patches.batch);
  options.add("sizes", "LIST", "Photos at these sizes: 1,0.8,0.6 has smaller copies too, which are sharper",
              &flags.sizes);
  options.add("noise", "LEVEL", "srmd, srmd-edsr, zssr-start, usrnet, demosaic: highest noise, 0-75",
              &flags.patches.noise);
  options.add("noisy", "SHARE", "The same: of the patches that have noise", &flags.patches.noisy);
  options.add("sharp", "SHARE", "The same: of the patches that are only made smaller, not blurred before",
              &flags.patches.sharp);
  options.add("direct", "SHARE", "srmd, srmd-edsr: of the patches that are blurred and subsampled, without imresize",
              &flags.patches.direct);
  options.add("recipe", "NAME",
              "edsr, restorer: how LR patches are made: bicubic, bsrgan, ... or a .json file; several with weights: "
              "photo:0.6,realesrgan:0.4; see 'degrade'",
              &flags.recipe);
  options.add("stages", "LIST",
              "Recipes one after another, with their parts of the steps: 'bicubic 30%; noisy.json 30%; bsrgan 40%'",
              &flags.stages);
  options.add("kernel-pool", "PATH", "--recipe kmsr: a folder or file of blur kernels (see 'train kernel-gan')",
              &flags.kernel_pool);
  options.add("known", "FRACTION", "restorer: patches whose noise level, and JPEG quality, the network is given",
              &flags.patches.known);
  options.add("known-soft", "FRACTION",
              "restorer: the same for patches that were blurred or resampled more than once. Default: as --known",
              &flags.known_soft);
  options.add("curriculum", "N", "Steps over which blur, noise and recipe go from easy to what they are",
              &flags.patches.curriculum);
  options.flag("progressive",
               "prosr, lapsrn, mslapsrn: scale after scale, as ProSR: x2 alone, from 12 % of the steps x4 too, blended "
               "in until 25 %, likewise x8 from 45 to 60 %; each step has one of them",
               &flags.progressive);
  options.add(
      "pairs", "FOLDER",
      "Pairs of photos instead of photo folders: HR and LR as 'zsr degrade' writes them, or a benchmark's layout",
      &flags.pairs);
  options.add("validate", "FOLDER", "HR photos that are only tested on", &flags.validate);
}

void add_loss_group(OptionSet& options, TrainFlags& flags) {
  options.group("How it learns");
  options.add("steps", "N", "Training steps", &flags.train.schedule.steps);
  options.add("schedule", "NAME", "cosine, constant, or steps (halved at 50, 80, 90 and 95 %)",
              &flags.train.schedule.name);
  options.add("warm-up", "N", "Steps over which the rates rise", &flags.train.schedule.warm_up);
  options.add("loss", "LIST",
              fmt::format("{}; with weights: l1:1,tv:0.01 or 1*l1+0.01*tv", fmt::join(training::loss_names(), ", ")),
              &flags.losses);
  options.add("features", "FILE",
              "Loss content: weights of torchvision's vgg16 or vgg19, or SqueezeNet 1.0 of Deep Compression",
              &flags.features);
  options.add("vgg", "FILE", "The same as --features", &flags.vgg);
  options.add("content-layer", "NAME",
              "Loss content: conv1_1 to conv5_4 (VGG) [conv5_4]; conv1, fire2 to fire9 with commas between them "
              "(SqueezeNet) [fire2,fire3,fire4,fire5,fire7]",
              &flags.content_layer);
  options.add(
      "supervision", "NAME",
      "drcn, lapsrn, mslapsrn, srfbn, memnet with --outputs 1: which results have a loss, final or all (those on "
      "the way too, as published) [all]",
      &flags.supervision);
  options.add("supervision-steps", "N",
              "drcn: steps over which the weight of the results on the way falls to 0 "
              "[half of --steps]",
              &flags.supervision_steps);
  options.add("adversary", "NAME", "Loss adversarial: unet (a judgement a pixel) or patch",
              &flags.train.adversary.network);
  options.add("adversary-loss", "NAME", "vanilla (cross entropy) or ls (least squares)", &flags.train.adversary.loss);
  options.add("adversary-rate", "RATE", "The adversary's rate of adam", &flags.train.adversary.learning_rate);
}

void add_rates(OptionSet& options, TrainFlags& flags) {
  options.add("optimizer", "NAME", "muon (hidden layers; adam for the others) or adam", &flags.train.optimizer);
  options.add("learning-rate", "RATE", "Highest rate of adam", &flags.train.learning_rate);
  options.add("muon-rate", "RATE", "Highest rate of muon", &flags.train.muon_rate);
  options.add("muon-decay", "SHARE", "What a step of muon takes off the weights, times its rate",
              &flags.train.muon_decay);
  options.add("clip", "LENGTH", "Longest gradient; 0 = as it is", &flags.train.clip);
  options.add("ema", "MEMORY", "Of the averaged weights, which are what is kept; 0 = the last weights",
              &flags.train.ema);
}

void add_run_group(OptionSet& options, TrainFlags& flags) {
  options.group("Run");
  options.add("time", "DURATION", "Stop after, e.g. 90m; --resume goes on", &flags.time);
  options.add("save-every", "N", "Steps between checkpoints", &flags.train.save_every);
  options.flag("resume", "Go on from the checkpoint", &flags.resume);
  options.flag("half", "Weights as 16-bit numbers", &flags.half);
  options.flag("force", "Replace existing files", &flags.force);
}

}  // namespace

namespace {

// Which results have a loss: as published, where nothing is said. MemNet has several only where it was asked for them.
void settle_supervision(TrainFlags& flags) {
  const networks::Kind& kind = *networks::find_kind(flags.network);
  const networks::Supervision rule = kind.supervision;
  training::SupervisionOptions& options = flags.train.supervision;
  const bool chooses = std::any_of(kind.fields.begin(), kind.fields.end(),
                                   [](const networks::Field& field) { return field.name == "outputs"; });
  const std::string& outputs = flags.fields["outputs"];
  const bool asked = !chooses || (!outputs.empty() && outputs != "0");
  const bool several = rule != networks::Supervision::kNone && asked;
  options.results = !flags.supervision.empty() ? flags.supervision : several ? "all" : "final";
  if (options.all() && !several) {
    throw UsageError(fmt::format("--supervision all: {} makes one result; {}", flags.network,
                                 rule == networks::Supervision::kNone ? "leave it out" : "add --outputs 1"));
  }
  if (flags.supervision_steps.has_value()) {
    if (rule != networks::Supervision::kFalling || !options.all()) {
      throw UsageError("--supervision-steps goes with drcn and --supervision all; leave it out");
    }
    if (*flags.supervision_steps < 1) throw UsageError("--supervision-steps must be > 0");
    options.steps = *flags.supervision_steps;
  }
}

}  // namespace

std::unique_ptr<OptionSet> make_train_options(const std::string& network, TrainFlags& flags, CommonFlags& common) {
  set_defaults(flags, network);
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
  add_network_group(*options, flags);
  add_patch_group(*options, flags);
  add_loss_group(*options, flags);
  add_rates(*options, flags);
  add_run_group(*options, flags);
  add_common_flags(*options, common);
  return options;
}

void settle_train_flags(TrainFlags& flags) {
  if (!flags.old_width.empty()) {
    if (!flags.fields["width"].empty()) throw UsageError("--width is the old name of --channels; give one of them");
    fmt::print(stderr, "zsr: warning: --width is called --channels now; the old name goes with the next release\n");
    flags.fields["width"] = flags.old_width;
  }
  if (networks::find_kind(flags.network)->traits.pixel_by_pixel && flags.losses != "l1") {
    throw UsageError(fmt::format("{} learns by the cross entropy of levels; leave --loss out", flags.network));
  }
  flags.train.losses = training::parse_losses(flags.losses);
  settle_supervision(flags);
  flags.train.validate();
  if (training::has_term(flags.train.losses, "content")) {
    if (!flags.features.empty() && !flags.vgg.empty()) throw UsageError("--vgg is --features: give one of them");
    if (flags.features.empty()) flags.features = flags.vgg;
    if (flags.features.empty()) throw UsageError("the loss 'content' needs --features FILE: VGG or SqueezeNet weights");
  }
  if ((flags.words.size() < 2 && flags.pairs.empty()) || flags.output.empty()) {
    throw UsageError("train needs folders of photos, or --pairs FOLDER, and -o FILE");
  }
  if (!flags.known_soft.empty()) flags.patches.known_soft = parse_number(flags.known_soft, "known-soft");
}

namespace {

std::map<std::string, double> chosen_fields(const TrainFlags& flags) {
  std::map<std::string, double> chosen;
  for (const auto& [name, text] : flags.fields) {
    if (!text.empty()) chosen[name] = parse_number(text, flag_of(name).c_str());
  }
  return chosen;
}

// "2" or "2,3,4", rising.
std::vector<int64_t> scales_of(const std::string& text) {
  std::vector<int64_t> scales;
  for (const std::string& item : split_list(text)) {
    const double value = parse_number(item, "scale");
    scales.push_back(static_cast<int64_t>(value));
    const bool rises = scales.size() == 1 || scales.back() > scales[scales.size() - 2];
    if (static_cast<double>(scales.back()) != value || !rises) {
      throw UsageError(fmt::format("--scale {}: must be a whole number, or several that rise, as in 2,3,4", text));
    }
  }
  if (scales.empty()) throw UsageError("--scale: names no number");
  return scales;
}

}  // namespace

networks::Config chosen_configuration(const TrainFlags& flags) {
  const networks::Kind& kind = *networks::find_kind(flags.network);
  const std::vector<int64_t> scales = scales_of(flags.scale);
  if (scales.size() > 1 && !kind.traits.takes_enlarged) {
    throw UsageError(
        fmt::format("--scale {}: {} is trained for {}; several are for networks that get the enlarged photo, "
                    "like vdsr",
                    flags.scale, kind.name, kind.all_scales ? "its scales together" : "one"));
  }
  networks::Config config = kind.configured(scales.front(), chosen_fields(flags));
  for (size_t i = 1; i < scales.size(); ++i) config.scales.push_back(kind.configured(scales[i], {}).scales.front());
  return config;
}

}  // namespace zsr::cli
