#include "zssr/zssr.h"

#include "pipeline/method_run.h"
#include "pipeline/methods.h"
#include "pipeline/methods/rows.h"
#include "pipeline/zssr_options.h"
#include "zssr/start.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::pipeline {

namespace {

nlohmann::json used_settings(const Request& request, const zssr::Options& used, const zssr::Result& result) {
  nlohmann::json settings{{"noise", used.pairs.son_noise * 255.0},
                          {"ensemble", result.self_ensemble},
                          {"back_projection", used.output.back_projection},
                          {"tile", used.output.tile},
                          {"steps", result.summary.steps},
                          {"learning_rate", used.training.learning_rate},
                          {"preset", request.zssr.preset},
                          {"init", result.start.empty() ? "none" : result.start},
                          {"optimizer", used.training.step_rule == zssr::StepRule::kMuon ? "muon" : "adam"},
                          {"training_crop", used.pairs.crop},
                          {"batch", used.pairs.batch},
                          {"channels", used.network.width},
                          {"depth", used.network.depth},
                          {"init_variance", used.network.init_variance},
                          {"last_init_variance", used.network.last_init_variance},
                          {"warm_up", used.training.warm_up_steps},
                          {"beta2", used.training.adam_beta2}};
  std::vector<std::string> gradual;
  for (const Scale scale : used.gradual) gradual.push_back(format_scale(scale));
  settings["gradual"] = gradual;
  return settings;
}

}  // namespace

static void prepare_zssr(Request& request) {
  zssr_options(request);
}

static MethodOutput run_zssr(MethodInput& input) {
  PhotoFormation& formation = input.formation;
  RunContext context = input.context;
  double spent_s = 0.0;
  for (;;) {
    formation.zssr.kernels = formation.kernels;
    choose_start(input.request, formation.zssr);
    zssr::Result result = zssr::run(input.color, formation.zssr, context,
                                    [&](double db) { return db >= formation.least_consistency_db; });
    result.summary.train_s += spent_s;
    if (result.image) {
      nlohmann::json record{{"settings", to_json(formation.zssr)}, {"preset", input.request.zssr.preset}};
      if (!result.start.empty()) record["start"] = result.start;
      const zssr::Options& used = formation.zssr;
      if (input.request.ensemble.value_or(false) && !result.self_ensemble && result.summary.message.empty()) {
        result.summary.message =
            "--ensemble on was left out: the kernel is not the same when the photo turns, and the network was not "
            "trained for turned ones";
      }
      return {*result.image,         result.summary,
              result.consistency_db, {},
              std::move(record),     used_settings(input.request, formation.zssr, result)};
    }
    spent_s = result.summary.train_s;
    take_narrower_kernel(formation, input.request.scale, result.consistency_db);
    if (input.context.time_budget_s) context.time_budget_s = std::max(1.0, *input.context.time_budget_s - spent_s);
  }
}

static std::string describe_zssr(const Request& request) {
  const zssr::Options options = zssr_options(request);
  const FormationPlan plan = plan_formation(request, default_method().name);
  std::string network = fmt::format("{}x{} network", options.network.depth, options.network.width);
  if (options.start) network = fmt::format("from {}", options.start->name);
  if (const std::string bicubic = bicubic_start(request); !bicubic.empty()) {
    network += fmt::format(" (bicubic without noise: {})", bicubic);
  }
  return fmt::format("zssr x{} preset {}: {}, {} steps at most, kernel {}, noise {}, back-projection {}, ensemble {}",
                     format_scale(request.scale), request.zssr.preset, network, options.training.max_steps,
                     plan.kernel_name,
                     plan.estimate_noise ? "auto" : fmt::format("{:.1f}", options.pairs.son_noise * 255.0),
                     options.output.back_projection, options.output.self_ensemble ? "on" : "off");
}

Method zssr_method() {
  using enum Setting;
  return {.name = "zssr",
          .title = "ZSSR (Shocher et al. 2018): a small network trained on the photo itself",
          .settings = {kKernel, kKernelConvention, kPhase, kNoise, kEnsemble, kBackProjection, kTile, kTimeBudget,
                       kDevice, kSteps, kLearningRate, kZssrNetwork, kSaveKernel, kLossLog},
          .blind = true,
          .run = run_zssr,
          .describe = describe_zssr,
          .prepare = prepare_zssr};
}

}  // namespace zsr::pipeline
