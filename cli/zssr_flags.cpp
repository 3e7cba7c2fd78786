#include "cli/zssr_flags.h"

#include "cli/usage_error.h"
#include "cli/values.h"
#include "degradations/kernel_io.h"
#include "nn/weights/load_weights.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::cli {
namespace {

bool parse_switch(const std::string& text, const char* flag) {
  if (text == "on" || text == "yes" || text == "1") return true;
  if (text == "off" || text == "no" || text == "0") return false;
  throw UsageError(fmt::format("--{} '{}' must be on or off", flag, text));
}

nlohmann::json scale_json(Scale scale) {
  return nlohmann::json{{"x", scale.x}, {"y", scale.y}};
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
  options.add("phase", "NAME",
              "Where LR pixels stand: center (as imresize) or corner (as image[::s]); the kernel is moved there",
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
              &flags.options.tile);
}

void add_training_flags(OptionSet& options, ZssrFlags& flags) {
  zssr::Options& zssr = flags.options;
  options.group("ZSSR");
  options.add("preset", "NAME", "default (fast), paper (the authors' configuration), paper-gradual, kernel, real",
              &flags.preset);
  options.add(
      "init", "WEIGHTS",
      "Trained starting point: auto (the default preset's for x2, x3, x4), none (pure zero-shot), or a file, also "
      "an EDSR's",
      &flags.init);
  options.add("steps", "N", "Training steps at most", &zssr.max_steps);
  options.add("optimizer", "NAME", "adam or muon. Default: the preset's", &flags.optimizer);
  options.add("learning-rate", "RATE", "Step size (muon wants about 25 times adam's)", &zssr.learning_rate);
  options.add("crop", "PIXELS", "Side of a training crop", &zssr.crop);
  options.add("batch", "N", "Crops per step (default preset)", &zssr.batch);
  options.add("channels", "N", "Channels of the network", &zssr.width);
  options.add("depth", "N", "Layers of the network", &zssr.depth);
  options.add("init-variance", "V", "Weights start as N(0, V / fan-in)", &zssr.init_variance);
  options.add("last-init-variance", "V", "The same for the last layer", &zssr.last_init_variance);
  options.add("warm-up", "N", "Steps over which the learning rate rises (default preset)", &zssr.warm_up_steps);
  options.add("beta2", "B", "Adam's second-moment memory", &zssr.adam_beta2);
  options.add("gradual", "LIST", "Scales on the way, e.g. 1.5,2; 'none' for one jump", &flags.gradual);
}

zssr::Options starting_options(const ZssrFlags& flags, Scale scale, bool own_network) {
  zssr::Options options = zssr::preset(flags.preset, scale);
  if (flags.init == "none") return options;
  if (flags.init == "auto") {
    const std::string name = fmt::format("zssr-start-x{:g}", scale.y);
    const bool fits = flags.preset == "default" && scale.y == scale.x && !own_network && is_shipped(name);
    if (!fits) return options;
    options = zssr::with_start(options, zssr::Start::shipped(name));
    const std::string edsr = fmt::format("edsr-light-x{:g}", scale.y);
    if (is_shipped(edsr)) options.bicubic_start = zssr::Start::shipped(edsr);
    return options;
  }
  if (flags.preset != "default") throw UsageError("--init belongs to the default preset");
  if (own_network) throw UsageError("--init brings its own network; leave --channels and --depth out");
  const auto start = is_shipped(flags.init)
                         ? zssr::Start::shipped(flags.init)
                         : std::make_shared<const zssr::Start>(zssr::Start::from_weights(load_weights(flags.init)));
  const auto own = static_cast<double>(start->scale);
  if (scale.y != own || scale.x != own) {
    throw UsageError(
        fmt::format("'{}' is a starting point for x{}, not for x{}", flags.init, start->scale, format_scale(scale)));
  }
  return zssr::with_start(options, start);
}

void resolve_zssr_flags(ZssrFlags& flags) {
  zssr::Options& options = flags.options;
  if (flags.kernel.empty()) {
    constexpr double kLargest = 8.0;  // factor for which a kernel can be estimated
    const bool blind = flags.preset == "default" && flags.phase == "center" && options.scale.y == options.scale.x &&
                       options.scale.y <= kLargest;
    flags.kernel = blind ? "auto" : "bicubic";
  }
  if (flags.kernel == "auto" && flags.noise.empty() && flags.preset == "default") flags.noise = "auto";
  if (flags.kernel == "auto" && options.scale.y != options.scale.x) {
    throw UsageError("--kernel auto needs the same factor for both axes");
  }
  if (flags.kernel == "auto" && flags.phase != "center") {
    throw UsageError("--kernel auto estimates a kernel for --phase center");
  }
  if (flags.kernel != "bicubic" && flags.kernel != "auto") {
    options.kernels = {
        load_kernel(flags.kernel, parse_kernel_convention(flags.kernel_convention, "kernel-convention"))};
  }
  if (flags.phase == "corner") {
    options.phase = Phase{};
  } else if (flags.phase != "center") {
    throw UsageError(fmt::format("--phase '{}' must be center or corner", flags.phase));
  }
  if (!flags.noise.empty() && flags.noise != "auto") {
    options.son_noise = parse_number(flags.noise, "noise") / 255.0;
    if (options.son_noise < 0.0 || options.son_noise > 1.0) {
      throw UsageError(fmt::format("--noise {} must be from 0 to 255", flags.noise));
    }
  }
  if (flags.optimizer == "adam" || flags.optimizer == "muon") {
    options.step_rule = flags.optimizer == "adam" ? zssr::StepRule::kAdam : zssr::StepRule::kMuon;
  } else if (!flags.optimizer.empty()) {
    throw UsageError(fmt::format("--optimizer '{}' must be adam or muon", flags.optimizer));
  }
  if (!flags.back_projection.empty()) {
    constexpr double kMost = 1000.0;
    const double times = parse_number(flags.back_projection, "back-projection");
    if (times < 0.0 || times > kMost || times != std::floor(times)) {
      throw UsageError(
          fmt::format("--back-projection {} must be a whole number from 0 to {:g}", flags.back_projection, kMost));
    }
    options.back_projection = static_cast<int64_t>(times);
  }
  if (!flags.ensemble.empty()) options.self_ensemble = parse_switch(flags.ensemble, "ensemble");
  if (flags.gradual == "none") {
    options.gradual.clear();
  } else if (!flags.gradual.empty()) {
    options.gradual.clear();
    options.gradual_back_projection.clear();
    for (const std::string& item : split_list(flags.gradual))
      options.gradual.push_back(parse_scale(item, false, "gradual"));
  }
  options.validate();
}

nlohmann::json to_json(const zssr::Options& options) {
  nlohmann::json gradual = nlohmann::json::array();
  for (const Scale scale : options.gradual) gradual.push_back(scale_json(scale));
  nlohmann::json kernels = nlohmann::json::array();
  for (const BlurKernel& kernel : options.kernels) {
    kernels.push_back({{"height", kernel.height()},
                       {"width", kernel.width()},
                       {"phase_y", kernel.phase().y},
                       {"phase_x", kernel.phase().x}});
  }
  nlohmann::json json{
      {"architecture", options.architecture == zssr::Architecture::kPixelShuffle ? "pixel-shuffle" : "pre-upsampled"},
      {"depth", options.depth},
      {"width", options.width},
      {"init_variance", options.init_variance},
      {"last_init_variance", options.last_init_variance},
      {"warm_up_steps", options.warm_up_steps},
      {"adam_beta2", options.adam_beta2},
      {"schedule", options.schedule == zssr::Schedule::kCosine ? "cosine" : "slope-rule"},
      {"optimizer", options.step_rule == zssr::StepRule::kMuon ? "muon" : "adam"},
      {"learning_rate", options.learning_rate},
      {"max_steps", options.max_steps},
      {"sampling", options.sampling == zssr::Sampling::kPyramid ? "pyramid" : "affine"},
      {"crop", options.crop},
      {"batch", options.batch},
      {"rotate", options.rotate},
      {"son_noise", options.son_noise},
      {"self_ensemble", options.self_ensemble},
      {"ensemble_rule", options.ensemble_rule == zssr::EnsembleRule::kMean ? "mean" : "median"},
      {"back_projection", options.back_projection},
      {"scale", scale_json(options.scale)},
      {"gradual", gradual},
      {"kernels", kernels},
      {"phase", options.phase ? "corner" : "center"},
      {"tile", options.tile},
      {"start", options.start != nullptr},
  };
  if (options.sampling == zssr::Sampling::kPyramid) {
    json["pyramid_scales"] = options.pyramid_scales;
    json["shuffle_channels"] = options.shuffle_channels;
  } else {
    json["leave_as_is_probability"] = options.leave_as_is_probability;
    json["no_interpolation_probability"] = options.no_interpolation_probability;
    json["min_father_scale"] = options.min_father_scale;
    json["aspect_sigma"] = options.aspect_sigma;
    json["shear_sigma"] = options.shear_sigma;
  }
  if (options.step_rule == zssr::StepRule::kMuon) {
    json["end_learning_rate"] = options.end_learning_rate;
    json["momentum"] = options.momentum;
  }
  if (options.schedule == zssr::Schedule::kSlopeRule) {
    json["min_learning_rate"] = options.min_learning_rate;
    json["min_steps"] = options.min_steps;
    json["test_every"] = options.test_every;
    json["check_every"] = options.check_every;
    json["slope_range"] = options.slope_range;
    json["slope_ratio"] = options.slope_ratio;
  }
  return json;
}

}  // namespace zsr::cli
