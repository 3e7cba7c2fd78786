#include "dip/dip.h"

#include "core/device.h"
#include "core/error.h"
#include "core/session.h"
#include "degradations/flow_prior.h"
#include "dip/dip_fkp.h"
#include "dip/step_cost.h"
#include "inference/enlarge.h"
#include "pipeline/method_run.h"
#include "pipeline/methods.h"
#include "pipeline/methods/rows.h"
#include "pipeline/parameters/prior_file.h"
#include "pipeline/trained.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace zsr::pipeline {
namespace {

// Pieces as large as may be when the whole needs more than what may be used.
int64_t piece_within(dip::Options options, int64_t height, int64_t width, int64_t bytes) {
  options.tile = 0;
  if (dip::needed_bytes(options, height, width) <= bytes) return 0;
  constexpr int64_t kLargest = 2048;
  constexpr int64_t kLeast = 192;
  for (int64_t tile = kLargest; tile > kLeast; tile -= 64) {
    options.tile = tile;
    if (dip::needed_bytes(options, height, width) <= bytes) return tile;
  }
  return kLeast;
}

constexpr double kMinute = 60.0;
constexpr const char* kShorter = "--steps, --time and --stop auto shorten it, Ctrl-C keeps the best image so far";

// One run of Deep Image Prior over a photo, with what it is going to cost.
struct Work {
  const dip::Options& options;
  int64_t height, width;  // of the result
  int64_t bytes;

  Work(const dip::Options& settings, const torch::Tensor& photo)
      : options(settings),
        height(photo.size(2) * settings.scale),
        width(photo.size(3) * settings.scale),
        bytes(dip::needed_bytes(settings, height, width)) {}

  double gigabytes() const { return static_cast<double>(bytes) / 1e9; }
};

// Says before a large work what it is going to take; false for a small one. `context` keeps what remains of the time
// budget. Throws OptionError where that is too short for a step on each piece: nothing would be learnt.
bool announce(const Work& work, const MethodInput& input, RunContext& context) {
  if (work.bytes > work.options.memory_limit) return false;  // dip::run refuses it
  const Session clock(context);
  const auto cost = dip::estimate_step_cost(work.options, work.height, work.width, context.device);
  if (!cost) return false;
  const dip::RunLength run = dip::length_of(work.options, work.height, work.width);
  const double least_s = cost->first_s + cost->each_s * static_cast<double>(run.pieces - 1);
  if (context.time_budget_s) {
    constexpr double kDoubt = 0.5;  // a busy machine makes the estimate too long
    if (*context.time_budget_s < kDoubt * least_s) {
      throw OptionError(
          fmt::format("--time {:g}s is too short: one step of deep image prior at {}x{} takes about {:.0f} s, and a "
                      "good result takes hundreds; give more time, or a smaller --scale",
                      *context.time_budget_s, work.width, work.height, least_s));
    }
    *context.time_budget_s = std::max(0.0, *context.time_budget_s - clock.elapsed_s());
  }
  if (!input.hooks.note) return true;
  const double all_s = cost->first_s + cost->each_s * static_cast<double>(run.steps - 1);
  const std::string pieces = run.pieces == 1 ? "" : fmt::format(" in {} pieces", run.pieces);
  input.hooks.note(fmt::format(
      "{}x{}{} needs about {:.1f} GB of memory and {:.1f} s a step: {:.0f} min for all {} steps; "
      "{}",
      work.width, work.height, pieces, work.gigabytes(), cost->each_s, all_s / kMinute, run.steps, kShorter));
  return true;
}

// Says for a work that was not announced what it takes, once the first steps have shown it.
ProgressFn with_cost(const Work& work, const MethodInput& input) {
  return [&input, gigabytes = work.gigabytes(), said = false](const Progress& now) mutable {
    constexpr int64_t kSteps = 5;
    if (!said && now.step >= kSteps && input.hooks.note) {
      said = true;
      const double seconds = now.elapsed_s / static_cast<double>(now.step);
      input.hooks.note(fmt::format("{:.2f} s a step: {:.0f} min for all {} steps, {:.1f} GB of memory; {}", seconds,
                                   seconds * static_cast<double>(now.total_steps) / kMinute, now.total_steps, gigabytes,
                                   kShorter));
    }
    return input.context.progress ? input.context.progress(now) : ProgressAction::kContinue;
  };
}

nlohmann::json to_json(const dip::Options& options) {
  return {{"task", dip::to_string(options.task)},
          {"kernel", options.kernel ? "given" : "lanczos2"},
          {"steps", options.steps},
          {"learning_rate", options.learning_rate},
          {"input_noise", options.noise},
          {"average", options.average},
          {"stop", options.stop == dip::StopRule::kVariance ? "variance" : "steps"},
          {"window", options.window},
          {"patience", options.patience},
          {"piece", options.tile},
          {"parameters", dip::SkipLayout(options.network).count}};
}

}  // namespace

dip::Options dip_options(const Request& request, const torch::Tensor& photo) {
  const DipRequest& asked = request.dip;
  dip::Options options = dip::preset(asked.task, std::llround(request.scale.y), photo.size(1));
  options.stop = asked.stop;
  if (request.steps.value_or(0) > 0) options.steps = *request.steps;
  if (request.learning_rate.value_or(0.0) > 0.0) options.learning_rate = *request.learning_rate;
  if (asked.input_noise) options.noise = *asked.input_noise;
  if (asked.average) options.average = *asked.average;
  options.frame_every = asked.frame_every;
  options.mask = asked.mask;
  constexpr double kShareOfMemory = 0.7;
  options.memory_limit = static_cast<int64_t>(kShareOfMemory * static_cast<double>(available_memory()));
  options.tile = asked.piece ? *asked.piece
                             : piece_within(options, photo.size(2) * options.scale, photo.size(3) * options.scale,
                                            options.memory_limit);
  return options;
}

static MethodOutput run_dip(MethodInput& input) {
  dip::Options options = dip_options(input.request, input.color);
  if (!input.formation.kernels.empty() && options.task == dip::Task::kSuperResolution) {
    options.kernel = input.formation.kernels[0];
    options.phase = input.request.phase;
  }
  RunContext context = input.context;
  const Work work(options, input.color);
  if (!announce(work, input, context)) context.progress = with_cost(work, input);
  const dip::Result result = dip::run(input.color, options, context, input.hooks.frame);
  return {result.image,
          result.summary,
          {},
          {},
          {{"settings", to_json(options)},
           {"best_step", result.best_step},
           {"rule_step", result.rule_step},
           {"restored", result.restored}},
          {{"steps", result.summary.steps}, {"learning_rate", options.learning_rate}}};
}

static MethodOutput run_dip_fkp(MethodInput& input) {
  const FkpRequest& asked = input.request.fkp;
  dip::FkpOptions options;
  options.scale = asked.prior->scale();
  if (input.request.steps.value_or(0) > 0) options.steps = *input.request.steps;
  options.published_phase = asked.published_phase;
  dip::FkpResult result = dip::run_fkp(input.color, *asked.prior, options, input.context);
  nlohmann::json record{{"settings",
                         {{"steps", options.steps},
                          {"learning_rate", options.learning_rate},
                          {"kernel_rate", options.kernel_rate},
                          {"published_phase", options.published_phase}}}};
  if (asked.usrnet) {
    inference::Options usrnet;
    usrnet.scale = input.request.scale;
    usrnet.kernel = result.kernel;
    usrnet.circular = options.published_phase;
    const inference::Result enlarged = inference::enlarge(input.color, *asked.usrnet->network, usrnet, input.context);
    result.image = enlarged.image;
    result.summary.upscale_s = enlarged.summary.upscale_s;
  }
  return {result.image, result.summary, {}, result.kernel, std::move(record), {{"steps", result.summary.steps}}};
}

static void prepare_dip(Request& request) {
  const bool whole = request.scale.y == request.scale.x && request.scale.y == std::floor(request.scale.y);
  if (!whole) {
    throw OptionError(
        fmt::format("deep image prior enlarges by whole factors, not by {}", format_scale(request.scale)));
  }
  const bool inpaints = request.dip.task == dip::Task::kInpaint;
  if (inpaints && !request.dip.mask.defined()) {
    throw OptionError("--task inpaint needs --mask FILE: white is kept, black is filled");
  }
  if (!inpaints && request.dip.mask.defined()) throw OptionError("--mask belongs to --task inpaint");
  if (request.dip.task == dip::Task::kSuperResolution) return;
  const bool formation = request.kernel.source != KernelRequest::Source::kDefault ||
                         request.noise.source != NoiseRequest::Source::kDefault;
  if (formation) throw OptionError("--kernel and --noise belong to --task sr");
  for (const char* const flag : {"phase", "kernel-convention"}) {
    if (request.values.has(flag)) throw OptionError(fmt::format("--{} belongs to --task sr", flag));
  }
}

static void prepare_dip_fkp(Request& request) {
  if (!request.fkp.prior) request.fkp.prior = std::make_shared<const FlowPrior>(load_prior("", request.scale));
}

static std::string describe_dip(const Request& request) {
  const FormationPlan plan = plan_formation(request, methods_with(Setting::kTask).front());
  return fmt::format("dip {}{}: kernel {}, stop {}", dip::to_string(request.dip.task),
                     request.scale.y == 1.0 ? "" : fmt::format(" x{}", format_scale(request.scale)),
                     plan.kernel_name == "bicubic" ? "lanczos" : plan.kernel_name,
                     request.dip.stop == dip::StopRule::kVariance ? "auto" : "steps");
}

static std::string describe_dip_fkp(const Request& request) {
  return fmt::format("dip-fkp x{}: kernel prior of {} x {} pixels{}", format_scale(request.scale),
                     request.fkp.prior->side(), request.fkp.prior->side(), request.fkp.usrnet ? ", then USRNet" : "");
}

Method dip_method() {
  using enum Setting;
  return {.name = "dip",
          .title = "Deep Image Prior (Ulyanov et al. 2018)",
          .settings = {kKernel, kKernelConvention, kPhase, kTimeBudget, kDevice, kSteps, kLearningRate, kTask,
                       kSaveKernel, kLossLog},
          .factors = {2, 3, 4, 5, 6, 7, 8},
          .run = run_dip,
          .describe = describe_dip,
          .prepare = prepare_dip,
          .examples =
              "  zsr {0} photo.jpg -s 4\n  zsr {0} noisy.png --task denoise\n"
              "  zsr {0} saved_too_often.jpg --task jpeg -o clean.png\n"
              "  zsr {0} scratched.png --task inpaint --mask mask.png\n"
              "  zsr {0} photo.jpg -s 2 --kernel auto --time 5m\n"};
}

Method dip_fkp_method() {
  using enum Setting;
  return {.name = "dip-fkp",
          .title = "DIP-FKP (Liang et al. 2021): picture and kernel together",
          .settings = {kKernelConvention, kTimeBudget, kDevice, kSteps, kWeights, kKernelPrior, kSaveKernel, kLossLog},
          .run = run_dip_fkp,
          .describe = describe_dip_fkp,
          .prepare = prepare_dip_fkp,
          .examples = "  zsr {0} photo.png -s 2 --save-kernel kernel.mat\n"};
}

}  // namespace zsr::pipeline
