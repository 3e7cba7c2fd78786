#include "zssr/options.h"

#include "core/error.h"

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
  require(depth >= 2 && depth <= 64, "depth", depth, "2 to 64");
  require(width >= 1 && width <= 1024, "width", width, "1 to 1024");
  require(init_variance > 0.0, "init_variance", init_variance, "> 0");
  require(last_init_variance > 0.0, "last_init_variance", last_init_variance, "> 0");
  require(warm_up_steps >= 0, "warm_up_steps", warm_up_steps, ">= 0");
  require(end_learning_rate > 0.0 && std::isfinite(end_learning_rate), "end_learning_rate", end_learning_rate, "> 0");
  require(momentum >= 0.0 && momentum < 1.0, "momentum", momentum, "in [0, 1)");
  require(adam_beta2 >= 0.0 && adam_beta2 < 1.0, "adam_beta2", adam_beta2, "in [0, 1)");
  require(learning_rate > 0.0 && std::isfinite(learning_rate), "learning_rate", learning_rate, "> 0");
  require(max_steps > 0 || (start && max_steps == 0), "max_steps", max_steps, "> 0");
  if (start) {
    const auto own = static_cast<double>(start->scale);
    require(scale.y == own && scale.x == own, "scale", scale.y, "that of the starting point");
    require(architecture == Architecture::kPixelShuffle, "architecture", "pre-upsampled",
            "pixel-shuffle for a starting point");
    require(gradual.empty(), "gradual", "given", "empty with a starting point");
  }
  require(min_steps >= 0, "min_steps", min_steps, ">= 0");
  require(test_every > 0, "test_every", test_every, "> 0");
  require(check_every > 0, "check_every", check_every, "> 0");
  require(slope_range >= 5 * test_every, "slope_range", slope_range, ">= 5 * test_every");
  require(crop >= 8, "crop", crop, ">= 8 pixels");
  require(batch > 0, "batch", batch, "> 0");
  require(!pyramid_scales.empty(), "pyramid_scales", "empty", "one scale at least");
  for (const double level : pyramid_scales) require(level > 0.0 && level <= 1.0, "pyramid_scales", level, "in (0, 1]");
  require(leave_as_is_probability >= 0.0 && no_interpolation_probability >= 0.0 &&
              leave_as_is_probability + no_interpolation_probability <= 1.0,
          "leave_as_is_probability + no_interpolation_probability",
          leave_as_is_probability + no_interpolation_probability, "in [0, 1]");
  require(min_father_scale > 0.0 && min_father_scale <= 1.0, "min_father_scale", min_father_scale, "in (0, 1]");
  require(son_noise >= 0.0 && son_noise <= 1.0, "son_noise", son_noise, "in [0, 1]");
  require(least_consistency_db >= 0.0, "least_consistency_db", least_consistency_db, ">= 0");
  require(back_projection >= 0, "back_projection", back_projection, ">= 0");
  require(tile == 0 || tile >= 16, "tile", tile, "0 (automatic) or >= 16 pixels");
  validate_scale(scale, "scale");
  require(scale.y > 1.0 || scale.x > 1.0, "scale", 1.0, "> 1");
  for (const Scale step : gradual) validate_scale(step, "gradual");
}

Options paper_options(Scale scale) {
  Options options;
  options.architecture = Architecture::kPreUpsampled;
  options.init_variance = options.last_init_variance = 0.1;
  options.warm_up_steps = 0;
  options.step_rule = StepRule::kAdam;
  options.ensemble_rule = EnsembleRule::kMedian;
  options.shuffle_channels = false;
  options.adam_beta2 = 0.999;
  options.schedule = Schedule::kSlopeRule;
  options.learning_rate = 1e-3;
  options.max_steps = 3000;
  options.sampling = Sampling::kAffine;
  options.crop = 128;
  options.batch = 1;
  options.scale = scale;
  options.gradual = steps_to(scale, 0.5);
  return options;
}

Options with_start(Options options, std::shared_ptr<const Start> start) {
  options.start = std::move(start);
  options.gradual.clear();
  // The photo made three or four times smaller is no longer like itself: its own patches look better after steps on
  // them, the photo does not (Set5 with 60 steps: x3 33.25 -> 33.19 dB, x4 30.89 -> 30.35).
  options.max_steps = options.start->scale > 2 ? 0 : 60;
  options.warm_up_steps = 5;
  options.learning_rate = 0.004;
  options.end_learning_rate = 2e-4;
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
    options.gradual_back_projection = {6, 6, 8, 10, 10};
    options.back_projection = 12;
    return options;
  }
  // The released configurations of these go to 2 in one jump.
  if (std::max(scale.y, scale.x) <= 2.0) options.gradual.clear();
  options.rotate = false;
  options.self_ensemble = false;
  if (name == "kernel") {
    options.back_projection = 2;
    return options;
  }
  if (name == "real") {
    options.back_projection = 0;
    options.son_noise = 0.0125;
    options.aspect_sigma = 0.0;
    options.shear_sigma = 0.0;
    options.min_father_scale = 0.75;
    return options;
  }
  throw OptionError(fmt::format("preset = '{}', must be {}", name, fmt::join(preset_names(), ", ")));
}

std::vector<std::string> preset_names() {
  return {"default", "paper", "paper-gradual", "kernel", "real"};
}

}  // namespace zsr::zssr
