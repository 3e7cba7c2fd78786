#include "zssr/zssr.h"

#include "pipeline/method_run.h"
#include "pipeline/zssr_options.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::pipeline {

MethodOutput run_zssr(MethodInput& input) {
  PhotoFormation& formation = input.formation;
  RunContext context = input.context;
  double spent_s = 0.0;
  for (;;) {
    formation.zssr.kernels = formation.kernels;
    choose_start(input.request, formation.zssr);
    zssr::Result result = zssr::run(input.color, formation.zssr, context);
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
      return {*result.image,
              result.summary,
              result.consistency_db,
              {},
              std::move(record),
              {{"noise", used.pairs.son_noise * 255.0},
               {"ensemble", result.self_ensemble},
               {"back_projection", used.output.back_projection},
               {"tile", used.output.tile},
               {"learning_rate", used.training.learning_rate},
               {"optimizer", used.training.step_rule == zssr::StepRule::kMuon ? "muon" : "adam"},
               {"start", result.start},
               {"steps", result.summary.steps}}};
    }
    spent_s = result.summary.train_s;
    take_narrower_kernel(formation, input.request.scale, result.consistency_db);
    if (input.context.time_budget_s) context.time_budget_s = std::max(1.0, *input.context.time_budget_s - spent_s);
  }
}

std::string describe_zssr(const Request& request) {
  const zssr::Options options = zssr_options(request);
  const FormationPlan plan = plan_formation(request, "zssr");
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

}  // namespace zsr::pipeline
