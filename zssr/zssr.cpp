#include "zssr/zssr.h"

#include "core/error.h"
#include "zssr/network.h"
#include "zssr/pairs.h"
#include "zssr/start.h"
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
    const int64_t iterations = i < options.output.gradual_back_projection.size()
                                   ? options.output.gradual_back_projection[i]
                                   : options.output.back_projection;
    steps.push_back({options.gradual[i], std::nullopt, iterations});
  }
  steps.push_back({options.scale, std::nullopt, options.output.back_projection});
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

// One run: its scale steps one after the other.
class ScaleSteps {
 public:
  ScaleSteps(const torch::Tensor& lr_image, const Options& options, const RunContext& context, AcceptFn accept)
      : options_(options),
        steps_(plan_steps(options)),
        context_(context),
        session_(context),
        accept_(std::move(accept)),
        photo_(lr_image.detach().to(torch::kCPU).contiguous()),
        low_{photo_.size(2), photo_.size(3)},
        sources_{{photo_, 1.0}},
        weight_random_(derive_seed(context.seed, "weights")),
        pair_random_(derive_seed(context.seed, "pairs")) {
    if (options.start) result_.start = options.start->name;
  }

  Result run();
  /// Of the pretrained weights, without training.
  double start_consistency_db();

 private:
  bool is_last(size_t i) const { return i + 1 == steps_.size(); }
  bool is_conditioned() const { return options_.start && !options_.start->is_edsr; }
  void prepare_network(const Step& step, const Formation& formation);
  Upscaler upscaler_of(const Step& step, const Formation& formation) const;
  double deadline_s(size_t i, Upscaler& upscaler);
  TrainOutcome train_step(const Step& step, const Formation& formation, double deadline_s);
  // False where the run ends here: result_ is whole.
  bool upscale_step(size_t i, Upscaler& upscaler, double loss);
  void enlarge_the_rest(const Step& step, Size size);
  Result fall_back();

  const Options& options_;
  std::vector<Step> steps_;
  const RunContext& context_;
  Session session_;
  const AcceptFn accept_;
  torch::Tensor photo_;
  Size low_;
  std::vector<FatherSource> sources_;
  Random weight_random_;
  Random pair_random_;
  std::unique_ptr<Network> network_;
  Result result_;
};

void ScaleSteps::prepare_network(const Step& step, const Formation& formation) {
  // Weights are kept between steps (init_net_for_each_sf = False); a shuffle for another factor needs new ones.
  const bool reusable = network_ && network_->architecture() == Architecture::kPreUpsampled &&
                        resolve_architecture(options_, step.scale) == Architecture::kPreUpsampled;
  if (!reusable) {
    network_ = std::make_unique<Network>(options_, photo_.size(1), step.scale, weight_random_, context_.device);
  }
  if (is_conditioned()) {
    network_->set_condition(
        start_condition(step.kernel, options_.pairs.son_noise, options_.start->scale, formation.phase()));
  }
}

Upscaler ScaleSteps::upscaler_of(const Step& step, const Formation& formation) const {
  return {.network = *network_,
          .formation = formation,
          // The photo may turn where the blur is the same in all directions, or the network is conditioned on it.
          .self_ensemble = options_.output.self_ensemble && (formation.is_symmetric() || is_conditioned()),
          .ensemble_rule = options_.output.ensemble_rule,
          .back_projection = step.back_projection,
          .tile = options_.output.tile,
          .device = context_.device};
}

// When training of step `i` ends at the latest; without room for the self-ensemble that is left out.
double ScaleSteps::deadline_s(size_t i, Upscaler& upscaler) {
  if (!context_.time_budget_s) return std::numeric_limits<double>::infinity();
  const double left = session_.time_left_s();
  double reserve = estimate_upscale_s(upscaler, photo_, session_);
  if (reserve > 0.5 * left && upscaler.self_ensemble) {
    upscaler.self_ensemble = false;
    reserve /= 8.0;
    result_.summary.message = "the time budget left no room for the 8-fold ensemble";
  }
  const auto later = static_cast<double>(steps_.size() - i);
  return session_.elapsed_s() + std::max(0.05 * left, left - reserve) / later;
}

TrainOutcome ScaleSteps::train_step(const Step& step, const Formation& formation, double deadline_s) {
  Options options = options_;
  // Turned fathers are as good as the photo only where turning commutes with the blur (ZSSR configs.py).
  options.pairs.rotate = options.pairs.rotate && formation.is_symmetric();
  const PairSampler sampler(options, formation, sources_);
  const double begin = session_.elapsed_s();
  const TrainOutcome outcome = train(*network_, sampler, formation, photo_, options, stage_name("train", step.scale),
                                     deadline_s, pair_random_, session_);
  result_.summary.steps += outcome.steps;
  result_.summary.final_loss = outcome.loss;
  result_.summary.termination = outcome.termination;
  result_.summary.train_s += session_.elapsed_s() - begin;
  return outcome;
}

bool ScaleSteps::upscale_step(size_t i, Upscaler& upscaler, double loss) {
  const Step& step = steps_[i];
  const Size size = scaled_size(low_, step.scale);
  const double begin = session_.elapsed_s();
  torch::Tensor first_pass;
  if (is_last(i)) {
    const Upscaler::Consistency consistency = upscaler.consistency(photo_);
    first_pass = consistency.first_pass;
    result_.consistency_db = consistency.db;
    if (accept_ && !accept_(consistency.db) && !session_.stopped()) {
      result_.image.reset();
      return false;
    }
  }
  const auto on_pass = [&](int64_t done, int64_t total) {
    session_.report(stage_name("upscale", step.scale), done, total, loss);
    return !session_.stopped();
  };
  result_.self_ensemble = upscaler.self_ensemble;
  result_.image = upscaler.run(photo_, size, on_pass, first_pass);
  if (session_.stopped()) {
    result_.summary.termination = Termination::kStopped;
    if (upscaler.passes() > 1)
      result_.summary.message = "stopped on request; the rest of the self-ensemble was left out";
  }
  result_.summary.upscale_s += session_.elapsed_s() - begin;
  if (!torch::isfinite(*result_.image).all().item<bool>()) {
    fall_back();
    return false;
  }
  if (is_last(i) || session_.stopped()) {
    enlarge_the_rest(step, size);
    return false;
  }
  sources_.push_back({*result_.image, std::min(step.scale.y, step.scale.x)});
  return true;
}

// Where the run was stopped on the way, the finished step is enlarged the rest of it.
void ScaleSteps::enlarge_the_rest(const Step& step, Size size) {
  const Size final_size = scaled_size(low_, steps_.back().scale);
  if (final_size == size) return;
  result_.image =
      imresize(*result_.image, {options_.scale.y / step.scale.y, options_.scale.x / step.scale.x}, final_size)
          .clamp(0.0, 1.0);
  result_.summary.termination = Termination::kStopped;
}

Result ScaleSteps::fall_back() {
  result_.summary.termination = Termination::kDiverged;
  result_.image = Formation(options_.scale, std::nullopt, options_.phase)
                      .up(photo_, scaled_size(low_, options_.scale))
                      .clamp(0.0, 1.0);
  result_.summary.message = "training diverged; the result is the plain cubic interpolation";
  return result_;
}

Result ScaleSteps::run() {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.kernel) check_kernel_fits(*step.kernel, low_, step.scale);
    const Formation formation(step.scale, step.kernel, options_.phase);
    prepare_network(step, formation);
    Upscaler upscaler = upscaler_of(step, formation);
    const double deadline = deadline_s(i, upscaler);
    const TrainOutcome outcome = train_step(step, formation, deadline);
    if (outcome.termination == Termination::kDiverged) return fall_back();
    upscaler.project_passes = outcome.steps > 0;
    if (!upscale_step(i, upscaler, outcome.loss)) break;
  }
  return result_;
}

double ScaleSteps::start_consistency_db() {
  const Step& step = steps_.back();
  if (step.kernel) check_kernel_fits(*step.kernel, low_, step.scale);
  const Formation formation(step.scale, step.kernel, options_.phase);
  prepare_network(step, formation);
  Upscaler upscaler = upscaler_of(step, formation);
  upscaler.self_ensemble = false;
  upscaler.project_passes = false;
  return upscaler.consistency(photo_).db;
}

}  // namespace

Result run(const torch::Tensor& lr_image, const Options& options, const RunContext& context, const AcceptFn& accept) {
  options.validate();
  check_input(lr_image);
  return ScaleSteps(lr_image, options, context, accept).run();
}

double start_consistency_db(const torch::Tensor& lr_image, const Options& options, const RunContext& context) {
  options.validate();
  check_input(lr_image);
  if (!options.start) throw OptionError("start = none, must be pretrained weights");
  return ScaleSteps(lr_image, options, context, {}).start_consistency_db();
}

}  // namespace zsr::zssr
