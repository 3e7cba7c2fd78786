#include "zssr/zssr.h"

#include "core/error.h"
#include "zssr/network.h"
#include "zssr/pairs.h"
#include "zssr/trainer.h"
#include "zssr/upscaler.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr::zssr {
namespace {

struct Step {
  Scale scale;
  std::optional<BlurKernel> kernel;
  int64_t back_projection = 0;
};

std::vector<Step> plan_steps(const Options& options) {
  std::vector<Step> steps;
  // One kernel is known for the whole way only; going there in steps would need one for each.
  const bool one_jump = options.kernels.size() == 1;
  for (size_t i = 0; i < options.gradual.size() && !one_jump; ++i) {
    const int64_t iterations =
        i < options.gradual_back_projection.size() ? options.gradual_back_projection[i] : options.back_projection;
    steps.push_back({options.gradual[i], std::nullopt, iterations});
  }
  steps.push_back({options.scale, std::nullopt, options.back_projection});
  if (one_jump) {
    steps.back().kernel = options.kernels[0];
  } else if (!options.kernels.empty()) {
    if (options.kernels.size() != steps.size()) {
      throw OptionError(
          fmt::format("kernels = {}, must be 0, 1 or one per scale step ({})", options.kernels.size(), steps.size()));
    }
    for (size_t i = 0; i < steps.size(); ++i) steps[i].kernel = options.kernels[i];
  }
  return steps;
}

void check_kernel_fits(const BlurKernel& kernel, Size low, Scale scale) {
  if (kernel.height() > low.height * scale.y || kernel.width() > low.width * scale.x) {
    throw OptionError(fmt::format("the kernel ({}x{}) is larger than the image it blurs ({:.0f}x{:.0f})",
                                  kernel.width(), kernel.height(), static_cast<double>(low.width) * scale.x,
                                  static_cast<double>(low.height) * scale.y));
  }
}

std::string stage_name(const char* verb, Scale scale) {
  if (scale.y == scale.x) return fmt::format("{} x{:g}", verb, scale.y);
  return fmt::format("{} {:g}x{:g}", verb, scale.y, scale.x);
}

// Seconds that the final upscaling will take, from timing one small patch.
double estimate_upscale_s(const Upscaler& upscaler, const torch::Tensor& photo, Session& session) {
  const int64_t side = std::min<int64_t>({96, photo.size(2), photo.size(3)});
  const torch::Tensor patch = photo.slice(2, 0, side).slice(3, 0, side).contiguous().to(upscaler.device);
  const Size size = scaled_size({side, side}, upscaler.formation.scale());
  upscaler.run_patch(patch, size, upscaler.formation);  // the first call builds the kernels
  const double begin = session.elapsed_s();
  upscaler.run_patch(patch, size, upscaler.formation);
  const double seconds = session.elapsed_s() - begin;
  return 1.3 * seconds * static_cast<double>(photo.size(2) * photo.size(3)) / static_cast<double>(side * side);
}

void check_input(const torch::Tensor& image) {
  const bool good = image.dim() == 4 && image.size(0) == 1 && (image.size(1) == 1 || image.size(1) == 3) &&
                    image.numel() > 0 && image.scalar_type() == torch::kFloat32;
  if (!good) throw InputError("ZSSR takes one float32 image of shape [1, 1 or 3, H, W]");
}

}  // namespace

Result run(const torch::Tensor& lr_image, const Options& given, const RunContext& context) {
  given.validate();
  Options options = given;
  options.start = start_in_force(given);
  if (options.start && options.start == given.bicubic_start && !given.steps_asked) options.max_steps = 0;
  check_input(lr_image);
  const auto steps = plan_steps(options);
  Session session{context};
  const torch::Tensor photo = lr_image.detach().to(torch::kCPU).contiguous();
  const Size low{photo.size(2), photo.size(3)};

  Result result;
  if (options.start) result.start = options.start->name;
  std::vector<FatherSource> sources{{photo, 1.0}};
  std::unique_ptr<Network> network;
  Random weight_random(derive_seed(context.seed, "weights"));
  Random pair_random(derive_seed(context.seed, "pairs"));
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    const Size size = scaled_size(low, step.scale);
    if (step.kernel) check_kernel_fits(*step.kernel, low, step.scale);
    const Formation formation(step.scale, step.kernel, options.phase);
    // Weights are kept between steps (init_net_for_each_sf = False); a shuffle for another factor needs new ones.
    const bool reusable = network && network->architecture() == Architecture::kPreUpsampled &&
                          resolve_architecture(options, step.scale) == Architecture::kPreUpsampled;
    if (!reusable) {
      network = std::make_unique<Network>(options, photo.size(1), step.scale, weight_random, context.device);
    }
    // Where the blur is the same in all directions, or the network is told which way it lies, the photo may turn.
    const bool told = options.start && !options.start->is_edsr;
    if (told) {
      network->set_condition(start_condition(step.kernel, options.son_noise, options.start->scale, formation.phase()));
    }
    Upscaler upscaler{.network = *network,
                      .formation = formation,
                      .self_ensemble = options.self_ensemble && (formation.is_symmetric() || told),
                      .ensemble_rule = options.ensemble_rule,
                      .back_projection = step.back_projection,
                      .tile = options.tile,
                      .device = context.device};

    double deadline_s = std::numeric_limits<double>::infinity();
    if (context.time_budget_s) {
      const double left = *context.time_budget_s - session.elapsed_s();
      double reserve = estimate_upscale_s(upscaler, photo, session);
      if (reserve > 0.5 * left && upscaler.self_ensemble) {
        upscaler.self_ensemble = false;
        reserve /= 8.0;
        result.summary.message = "the time budget left no room for the 8-fold ensemble";
      }
      const auto later = static_cast<double>(steps.size() - i);
      deadline_s = session.elapsed_s() + std::max(0.05 * left, left - reserve) / later;
    }

    Options step_options = options;
    if (told && step.kernel && !options.steps_asked) step_options.max_steps = 0;
    // Turned fathers are as good as the photo only where turning commutes with the blur (ZSSR configs.py).
    step_options.rotate = options.rotate && formation.is_symmetric();
    const PairSampler sampler(step_options, formation, sources);
    const double train_begin = session.elapsed_s();
    const TrainOutcome outcome = train(*network, sampler, formation, photo, step_options,
                                       stage_name("train", step.scale), deadline_s, pair_random, session);
    result.summary.steps += outcome.steps;
    result.summary.final_loss = outcome.loss;
    result.summary.termination = outcome.termination;
    result.summary.train_s += session.elapsed_s() - train_begin;
    const auto fall_back = [&] {
      result.summary.termination = Termination::kDiverged;
      result.image = Formation(options.scale, std::nullopt, options.phase)
                         .up(photo, scaled_size(low, options.scale))
                         .clamp(0.0, 1.0);
      result.summary.message = "training diverged; the result is the plain cubic interpolation";
      return result;
    };
    if (outcome.termination == Termination::kDiverged) return fall_back();
    upscaler.project_passes = outcome.steps > 0;
    const bool last = i + 1 == steps.size();
    const double upscale_begin = session.elapsed_s();
    torch::Tensor first_pass;
    if (last) {
      const Upscaler::Consistency consistency = upscaler.consistency(photo);
      first_pass = consistency.first_pass;
      result.consistency_db = consistency.db;
      result.inconsistent = result.consistency_db < options.least_consistency_db && !session.stopped;
      if (result.inconsistent) return result;
    }
    const auto on_pass = [&](int64_t done, int64_t total) {
      session.report({stage_name("upscale", step.scale), done, total, outcome.loss, session.elapsed_s()});
      return !session.stopped;
    };
    result.image = upscaler.run(photo, size, on_pass, first_pass);
    if (session.stopped) {
      result.summary.termination = Termination::kStopped;
      if (upscaler.passes() > 1)
        result.summary.message = "stopped on request; the rest of the self-ensemble was left out";
    }
    result.summary.upscale_s += session.elapsed_s() - upscale_begin;
    if (!torch::isfinite(result.image).all().item<bool>()) return fall_back();
    if (last || session.stopped) {
      const Size final_size = scaled_size(low, steps.back().scale);
      if (!(final_size == size)) {
        // Stopped on the way: the finished step is enlarged the rest of the way.
        result.image =
            imresize(result.image, {options.scale.y / step.scale.y, options.scale.x / step.scale.x}, final_size)
                .clamp(0.0, 1.0);
        result.summary.termination = Termination::kStopped;
      }
      break;
    }
    sources.push_back({result.image, std::min(step.scale.y, step.scale.x)});
  }
  return result;
}

}  // namespace zsr::zssr
