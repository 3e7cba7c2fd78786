#include "pipeline/zssr_options.h"

#include "core/error.h"
#include "nn/weights/shipped.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace zsr::pipeline {
namespace {

nlohmann::json scale_json(Scale scale) {
  return nlohmann::json{{"x", scale.x}, {"y", scale.y}};
}

std::string shipped_start(Scale scale) {
  return fmt::format("zssr-start-x{:g}", scale.y);
}

// A network of another size, or of initial weights drawn otherwise, has no pretrained weights.
bool names_network(const ZssrRequest& request) {
  return request.channels || request.depth || request.init_variance || request.last_init_variance;
}

// Who says how to train wants training, also where the pretrained weights are best left as they are.
bool names_training(const Request& request) {
  const ZssrRequest& zssr = request.zssr;
  return request.steps || request.learning_rate || zssr.crop || zssr.batch || zssr.warm_up_steps || zssr.adam_beta2 ||
         zssr.step_rule;
}

// What the preset's sampling and schedule do not have. Throws OptionError.
void refuse_for_preset(const ZssrRequest& request, const zssr::Options& options) {
  if (request.batch && options.pairs.sampling != zssr::Sampling::kPyramid) {
    throw OptionError(fmt::format("--batch: the preset {} trains on one crop a step", request.preset));
  }
  if (request.warm_up_steps && options.training.schedule == zssr::Schedule::kSlopeRule) {
    throw OptionError(fmt::format("--warm-up: the preset {} has no warm-up", request.preset));
  }
}

zssr::Options with_request_start(zssr::Options options, const Request& request) {
  const ZssrRequest& zssr = request.zssr;
  if (zssr.preset != "default") throw OptionError("--init belongs to the default preset");
  if (names_network(zssr)) {
    throw OptionError(
        "--init brings its own network and weights; leave --channels, --depth, --init-variance and "
        "--last-init-variance out");
  }
  const auto own = static_cast<double>(zssr.start->scale);
  if (request.scale.y != own || request.scale.x != own) {
    throw OptionError(fmt::format("'{}' is a starting point for x{}, not for x{}", zssr.init, zssr.start->scale,
                                  format_scale(request.scale)));
  }
  return zssr::with_start(std::move(options), zssr.start);
}

zssr::Options starting_options(const Request& request, bool from_scratch) {
  zssr::Options options = zssr::preset(request.zssr.preset, request.scale);
  if (request.zssr.start) return with_request_start(std::move(options), request);
  if (from_scratch || !has_own_start(request)) return options;
  return zssr::with_start(std::move(options), zssr::Start::shipped(shipped_start(request.scale)));
}

template <typename Value>
void take(Value& field, const std::optional<Value>& asked) {
  if (asked) field = *asked;
}

}  // namespace

bool has_own_start(const Request& request) {
  const ZssrRequest& zssr = request.zssr;
  return zssr.pretrained && !zssr.start && zssr.preset == "default" && request.scale.y == request.scale.x &&
         !names_network(zssr) && is_shipped(shipped_start(request.scale));
}

std::string bicubic_start(const Request& request) {
  const std::string name = fmt::format("edsr-light-x{:g}", request.scale.y);
  return has_own_start(request) && is_shipped(name) ? name : "";
}

void choose_start(const Request& request, zssr::Options& options) {
  if (!options.start) return;
  const Phase middle = centered_phase(options.scale);
  const bool centered = !options.phase || (options.phase->y == middle.y && options.phase->x == middle.x);
  const bool is_bicubic = options.kernels.empty() && options.pairs.son_noise == 0.0 && centered;
  const std::string bicubic = is_bicubic ? bicubic_start(request) : "";
  if (!bicubic.empty()) options.start = zssr::Start::shipped(bicubic);
  const bool steps_help = bicubic.empty() && (options.kernels.empty() || options.start->is_edsr);
  if (!steps_help && !names_training(request)) options.training.max_steps = 0;
}

zssr::Options zssr_options(const Request& request, bool from_scratch) {
  const ZssrRequest& zssr = request.zssr;
  zssr::Options options = starting_options(request, from_scratch);
  refuse_for_preset(zssr, options);
  take(options.training.max_steps, request.steps);
  take(options.pairs.crop, zssr.crop);
  take(options.pairs.batch, zssr.batch);
  take(options.network.width, zssr.channels);
  take(options.network.depth, zssr.depth);
  take(options.training.warm_up_steps, zssr.warm_up_steps);
  take(options.training.learning_rate, request.learning_rate);
  take(options.network.init_variance, zssr.init_variance);
  take(options.network.last_init_variance, zssr.last_init_variance);
  take(options.training.adam_beta2, zssr.adam_beta2);
  take(options.training.step_rule, zssr.step_rule);
  if (zssr.gradual) {
    options.gradual = *zssr.gradual;
    if (!options.gradual.empty()) options.output.gradual_back_projection.clear();
  }
  take(options.output.self_ensemble, request.ensemble);
  take(options.output.back_projection, request.back_projection);
  if (request.noise.source == NoiseRequest::Source::kGiven) options.pairs.son_noise = request.noise.sigma / 255.0;
  options.phase = request.phase;
  options.output.tile = request.tile;
  options.validate();
  return options;
}

namespace {

// What only some samplings, step rules and schedules have.
void add_settings_of_choices(const zssr::Options& options, nlohmann::json& json) {
  if (options.pairs.sampling == zssr::Sampling::kPyramid) {
    json["pyramid_scales"] = options.pairs.pyramid_scales;
    json["shuffle_channels"] = options.pairs.shuffle_channels;
  } else {
    json["leave_as_is_probability"] = options.pairs.leave_as_is_probability;
    json["no_interpolation_probability"] = options.pairs.no_interpolation_probability;
    json["min_father_scale"] = options.pairs.min_father_scale;
    json["aspect_sigma"] = options.pairs.aspect_sigma;
    json["shear_sigma"] = options.pairs.shear_sigma;
  }
  if (options.training.step_rule == zssr::StepRule::kMuon) {
    json["end_learning_rate"] = options.training.end_learning_rate;
    json["momentum"] = options.training.momentum;
  }
  if (options.training.schedule == zssr::Schedule::kSlopeRule) {
    json["min_learning_rate"] = options.slope_rule.min_learning_rate;
    json["min_steps"] = options.slope_rule.min_steps;
    json["test_every"] = options.slope_rule.test_every;
    json["check_every"] = options.slope_rule.check_every;
    json["slope_range"] = options.slope_rule.range;
    json["slope_ratio"] = options.slope_rule.ratio;
  }
}

}  // namespace

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
      {"architecture",
       options.network.architecture == zssr::Architecture::kPixelShuffle ? "pixel-shuffle" : "pre-upsampled"},
      {"depth", options.network.depth},
      {"width", options.network.width},
      {"init_variance", options.network.init_variance},
      {"last_init_variance", options.network.last_init_variance},
      {"warm_up_steps", options.training.warm_up_steps},
      {"adam_beta2", options.training.adam_beta2},
      {"schedule", options.training.schedule == zssr::Schedule::kCosine ? "cosine" : "slope-rule"},
      {"optimizer", options.training.step_rule == zssr::StepRule::kMuon ? "muon" : "adam"},
      {"learning_rate", options.training.learning_rate},
      {"max_steps", options.training.max_steps},
      {"sampling", options.pairs.sampling == zssr::Sampling::kPyramid ? "pyramid" : "affine"},
      {"crop", options.pairs.crop},
      {"batch", options.pairs.batch},
      {"rotate", options.pairs.rotate},
      {"son_noise", options.pairs.son_noise},
      {"self_ensemble", options.output.self_ensemble},
      {"ensemble_rule", options.output.ensemble_rule == zssr::EnsembleRule::kMean ? "mean" : "median"},
      {"back_projection", options.output.back_projection},
      {"scale", scale_json(options.scale)},
      {"gradual", gradual},
      {"kernels", kernels},
      {"phase", phase_name(options.phase)},
      {"tile", options.output.tile},
      {"start", options.start != nullptr},
  };
  add_settings_of_choices(options, json);
  return json;
}

}  // namespace zsr::pipeline
