#include "cli/flags/zssr_flags.h"

#include "cli/flags/values.h"
#include "cli/terminal/usage_error.h"
#include "degradations/kernel_io.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::cli {
namespace {

bool parse_switch(const std::string& text, const char* flag) {
  if (text == "on" || text == "yes" || text == "1") return true;
  if (text == "off" || text == "no" || text == "0") return false;
  throw UsageError(fmt::format("--{} '{}' must be on or off", flag, text));
}

pipeline::KernelRequest kernel_of(const ZssrFlags& flags) {
  using Source = pipeline::KernelRequest::Source;
  if (flags.kernel.empty()) return {};
  if (flags.kernel == "bicubic") return {.source = Source::kBicubic, .kernel = {}, .name = "bicubic"};
  if (flags.kernel == "auto") return {.source = Source::kEstimated, .kernel = {}, .name = "auto"};
  const KernelConvention convention = parse_kernel_convention(flags.kernel_convention, "kernel-convention");
  return {.source = Source::kGiven, .kernel = load_kernel(flags.kernel, convention), .name = flags.kernel};
}

pipeline::NoiseRequest noise_of(const ZssrFlags& flags) {
  using Source = pipeline::NoiseRequest::Source;
  if (flags.noise.empty()) return {};
  if (flags.noise == "auto") return {.source = Source::kEstimated};
  const double sigma = parse_number(flags.noise, "noise");
  if (sigma < 0.0 || sigma > 255.0) throw UsageError(fmt::format("--noise {} must be from 0 to 255", flags.noise));
  return {.source = Source::kGiven, .sigma = sigma};
}

int64_t parse_back_projection(const std::string& text) {
  constexpr double kMost = 1000.0;
  const double times = parse_number(text, "back-projection");
  if (times < 0.0 || times > kMost || times != std::floor(times)) {
    throw UsageError(fmt::format("--back-projection {} must be a whole number from 0 to {:g}", text, kMost));
  }
  return static_cast<int64_t>(times);
}

pipeline::ZssrRequest training_of(const ZssrFlags& flags) {
  pipeline::ZssrRequest zssr = flags.zssr;
  zssr.pretrained = zssr.init == "auto";
  if (zssr.init != "auto" && zssr.init != "none") {
    zssr.start = is_shipped(zssr.init)
                     ? zssr::Start::shipped(zssr.init)
                     : std::make_shared<const zssr::Start>(zssr::Start::from_weights(load_weights(zssr.init)));
  }
  if (flags.optimizer == "adam" || flags.optimizer == "muon") {
    zssr.step_rule = flags.optimizer == "adam" ? zssr::StepRule::kAdam : zssr::StepRule::kMuon;
  } else if (!flags.optimizer.empty()) {
    throw UsageError(fmt::format("--optimizer '{}' must be adam or muon", flags.optimizer));
  }
  if (!flags.gradual.empty()) {
    zssr.gradual.emplace();
    for (const std::string& item : split_list(flags.gradual == "none" ? "" : flags.gradual))
      zssr.gradual->push_back(parse_scale(item, false, "gradual"));
  }
  return zssr;
}

}  // namespace

void add_formation_flags(OptionSet& options, ZssrFlags& flags) {
  options.group("The photo");
  options.add(
      "kernel", "FILE",
      "Blur kernel of the photo: auto (estimated from it; the default preset's), bicubic, or a file (.mat, .npy, "
      "text or image)",
      &flags.kernel);
  options.add("kernel-convention", "NAME", "How the kernel file is meant: zssr (correlation), kair or fkp",
              &flags.kernel_convention);
  options.add(
      "phase", "NAME",
      "Where LR pixels stand: center (as imresize) or corner (as image[::s]); the kernel is moved there. "
      "kernel: as the kernel file has it, which is not moved (benchmarks with true kernels that are off centre)",
      &flags.phase);
  options.add("noise", "SIGMA",
              "Noise of the photo, 0-255 units, or auto. Default: auto where the kernel is, else the preset's",
              &flags.noise);
}

void add_passes_flags(OptionSet& options, ZssrFlags& flags) {
  options.group("Network");
  options.add("ensemble,x", "on|off",
              "8 turned and mirrored passes. Default: the preset's; off for trained networks and where a trained start "
              "serves under an estimated kernel",
              &flags.ensemble);
  options.add(
      "back-projection", "N",
      "Times the result is corrected so that, made smaller again, it is the photo. Default: the preset's; 0 for "
      "trained networks",
      &flags.back_projection);
  options.add("tile,t", "PIXELS",
              "Side of a tile in the input, >= 16; 0: ZSSR chooses by free memory, trained networks take 256",
              &flags.tile);
}

void add_training_flags(OptionSet& options, ZssrFlags& flags) {
  pipeline::ZssrRequest& zssr = flags.zssr;
  options.group("ZSSR");
  options.add("preset", "NAME", "default (fast), paper (the authors' configuration), paper-gradual, kernel, real",
              &zssr.preset);
  options.add(
      "init", "WEIGHTS",
      "Trained starting point: auto (the default preset's for x2, x3, x4), none (pure zero-shot), or a file, also "
      "an EDSR's",
      &zssr.init);
  options.add("steps", "N", "Training steps at most. Default: the preset's, as of all below", &zssr.steps);
  options.add("optimizer", "NAME", "adam or muon. Default: the preset's", &flags.optimizer);
  options.add("learning-rate", "RATE", "Step size (muon wants about 25 times adam's)", &zssr.learning_rate);
  options.add("training-crop", "PIXELS", "Side of a training crop", &zssr.crop);
  options.add("batch", "N", "Crops per step (default preset)", &zssr.batch);
  options.add("channels", "N", "Channels of the network", &zssr.channels);
  options.add("depth", "N", "Layers of the network", &zssr.depth);
  options.add("init-variance", "V", "Weights start as N(0, V / fan-in)", &zssr.init_variance);
  options.add("last-init-variance", "V", "The same for the last layer", &zssr.last_init_variance);
  options.add("warm-up", "N", "Steps over which the learning rate rises (default preset)", &zssr.warm_up_steps);
  options.add("beta2", "B", "Adam's second-moment memory", &zssr.adam_beta2);
  options.add("gradual", "LIST", "Scales on the way, e.g. 1.5,2; 'none' for one jump", &flags.gradual);
}

void take_zssr_flags(const ZssrFlags& flags, bool kernel_grid, pipeline::Request& request) {
  if (!kernel_grid) request.kernel = kernel_of(flags);
  request.noise = noise_of(flags);
  if (flags.phase == "corner") {
    request.phase = Phase{};
  } else if (flags.phase == "kernel") {
    if (!request.kernel.kernel) throw UsageError("--phase kernel needs --kernel FILE");
    request.phase = request.kernel.kernel->phase();
  } else if (flags.phase != "center") {
    throw UsageError(fmt::format("--phase '{}' must be center, corner or kernel", flags.phase));
  }
  if (!flags.ensemble.empty()) request.ensemble = parse_switch(flags.ensemble, "ensemble");
  if (!flags.back_projection.empty()) request.back_projection = parse_back_projection(flags.back_projection);
  request.tile = flags.tile;
  request.zssr = training_of(flags);
}

}  // namespace zsr::cli
