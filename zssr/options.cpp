#include "zssr/options.h"

#include "core/error.h"
#include "zssr/start.h"

#include <fmt/format.h>

#include <cmath>

namespace zsr::zssr {
namespace {

constexpr double kLargestScale = 16.0;

template <typename Value>
void require(bool holds, const char* field, const Value& value, const char* expected) {
  if (!holds) throw OptionError(fmt::format("{} = {}, must be {}", field, value, expected));
}

// From 1 on, a `stride` at a time, to what lies before `scale`. From a small photo one jump to 4 leaves sons of a few
// pixels; by way of 2 and 3 Set5 x4 gains 1.5 dB, by way of 2 alone 1.1 dB. Half scales give x4 the six steps of the
// authors' gradual configuration, 0.24 dB more with the preset `paper`; x2 by way of 1.5 gains 0.12 dB and more on
// Set14.
std::vector<Scale> steps_to(Scale scale, double stride) {
  const double largest = std::max(scale.y, scale.x);
  std::vector<Scale> steps;
  for (double step = 1.0 + stride; step < largest - 0.5 * stride; step += stride) {
    steps.push_back({std::min(step, scale.y), std::min(step, scale.x)});
  }
  return steps;
}

void validate_scale(Scale scale, const char* field) {
  for (const double factor : {scale.y, scale.x}) {
    require(std::isfinite(factor) && factor >= 1.0 && factor <= kLargestScale, field, factor, "from 1 to 16");
  }
}

}  // namespace

void Options::validate() const {
  require(network.depth >= 2 && network.depth <= 64, "depth", network.depth, "2 to 64");
  require(network.width >= 1 && network.width <= 1024, "width", network.width, "1 to 1024");
  require(network.init_variance > 0.0, "init_variance", network.init_variance, "> 0");
  require(network.last_init_variance > 0.0, "last_init_variance", network.last_init_variance, "> 0");
  require(training.warm_up_steps >= 0, "warm_up_steps", training.warm_up_steps, ">= 0");
  require(training.end_learning_rate > 0.0 && std::isfinite(training.end_learning_rate), "end_learning_rate",
          training.end_learning_rate, "> 0");
  require(training.momentum >= 0.0 && training.momentum < 1.0, "momentum", training.momentum, "in [0, 1)");
  require(training.adam_beta2 >= 0.0 && training.adam_beta2 < 1.0, "adam_beta2", training.adam_beta2, "in [0, 1)");
  require(training.learning_rate > 0.0 && std::isfinite(training.learning_rate), "learning_rate",
          training.learning_rate, "> 0");
  require(training.max_steps > 0 || (start && training.max_steps == 0), "max_steps", training.max_steps, "> 0");
  if (start) {
    const auto own = static_cast<double>(start->scale);
    require(scale.y == own && scale.x == own, "scale", scale.y, "that of the starting point");
    require(network.architecture == Architecture::kPixelShuffle, "architecture", "pre-upsampled",
            "pixel-shuffle for a starting point");
    require(gradual.empty(), "gradual", "given", "empty with a starting point");
  }
  require(slope_rule.min_steps >= 0, "min_steps", slope_rule.min_steps, ">= 0");
  require(slope_rule.test_every > 0, "test_every", slope_rule.test_every, "> 0");
  require(slope_rule.check_every > 0, "check_every", slope_rule.check_every, "> 0");
  require(slope_rule.range >= 5 * slope_rule.test_every, "slope_range", slope_rule.range, ">= 5 * test_every");
  require(pairs.crop >= 8, "crop", pairs.crop, ">= 8 pixels");
  require(pairs.batch > 0, "batch", pairs.batch, "> 0");
  require(!pairs.pyramid_scales.empty(), "pyramid_scales", "empty", "one scale at least");
  for (const double level : pairs.pyramid_scales)
    require(level > 0.0 && level <= 1.0, "pyramid_scales", level, "in (0, 1]");
  require(pairs.leave_as_is_probability >= 0.0 && pairs.no_interpolation_probability >= 0.0 &&
              pairs.leave_as_is_probability + pairs.no_interpolation_probability <= 1.0,
          "leave_as_is_probability + no_interpolation_probability",
          pairs.leave_as_is_probability + pairs.no_interpolation_probability, "in [0, 1]");
  require(pairs.min_father_scale > 0.0 && pairs.min_father_scale <= 1.0, "min_father_scale", pairs.min_father_scale,
          "in (0, 1]");
  require(pairs.son_noise >= 0.0 && pairs.son_noise <= 1.0, "son_noise", pairs.son_noise, "in [0, 1]");
  require(output.back_projection >= 0, "back_projection", output.back_projection, ">= 0");
  require(output.tile == 0 || output.tile >= 16, "tile", output.tile, "0 (automatic) or >= 16 pixels");
  validate_scale(scale, "scale");
  require(scale.y > 1.0 || scale.x > 1.0, "scale", 1.0, "> 1");
  for (const Scale step : gradual) validate_scale(step, "gradual");
}

Options paper_options(Scale scale) {
  Options options;
  options.network.architecture = Architecture::kPreUpsampled;
  options.network.init_variance = options.network.last_init_variance = 0.1;
  options.training.warm_up_steps = 0;
  options.training.step_rule = StepRule::kAdam;
  options.output.ensemble_rule = EnsembleRule::kMedian;
  options.pairs.shuffle_channels = false;
  options.training.adam_beta2 = 0.999;
  options.training.schedule = Schedule::kSlopeRule;
  options.training.learning_rate = 1e-3;
  options.training.max_steps = 3000;
  options.pairs.sampling = Sampling::kAffine;
  options.pairs.crop = 128;
  options.pairs.batch = 1;
  options.scale = scale;
  options.gradual = steps_to(scale, 0.5);
  return options;
}

Options with_start(Options options, std::shared_ptr<const Start> start) {
  options.start = std::move(start);
  options.gradual.clear();
  // The photo made three or four times smaller is no longer like itself: its own patches look better after steps on
  // them, the photo does not (Set5 with 60 steps: x3 33.25 -> 33.19 dB, x4 30.89 -> 30.35).
  options.training.max_steps = options.start->scale > 2 ? 0 : 60;
  options.training.warm_up_steps = 5;
  options.training.learning_rate = 0.004;
  options.training.end_learning_rate = 2e-4;
  return options;
}

Options preset(std::string_view name, Scale scale) {
  Options options;
  if (name == "default") {
    options.scale = scale;
    options.gradual = steps_to(scale, 1.0);
    return options;
  }
  options = paper_options(scale);
  if (name == "paper") return options;
  if (name == "paper-gradual") {
    // Published for x2: [1,1.5] [1.5,1] [1.5,1.5] [1.5,2] [2,1.5] [2,2] with 6 6 8 10 10 12 back-projections. Other
    // scales take the same fractions of the way.
    const double half_y = 1.0 + (scale.y - 1.0) / 2.0;
    const double half_x = 1.0 + (scale.x - 1.0) / 2.0;
    options.gradual = {{1.0, half_x}, {half_y, 1.0}, {half_y, half_x}, {half_y, scale.x}, {scale.y, half_x}};
    options.output.gradual_back_projection = {6, 6, 8, 10, 10};
    options.output.back_projection = 12;
    return options;
  }
  // The released configurations of these go to 2 in one jump.
  if (std::max(scale.y, scale.x) <= 2.0) options.gradual.clear();
  options.pairs.rotate = false;
  options.output.self_ensemble = false;
  if (name == "kernel") {
    options.output.back_projection = 2;
    return options;
  }
  if (name == "real") {
    options.output.back_projection = 0;
    options.pairs.son_noise = 0.0125;
    options.pairs.aspect_sigma = 0.0;
    options.pairs.shear_sigma = 0.0;
    options.pairs.min_father_scale = 0.75;
    return options;
  }
  throw OptionError(fmt::format("preset = '{}', must be {}", name, fmt::join(preset_names(), ", ")));
}

std::vector<std::string> preset_names() {
  return {"default", "paper", "paper-gradual", "kernel", "real"};
}

}  // namespace zsr::zssr
