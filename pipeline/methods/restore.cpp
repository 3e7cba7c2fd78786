#include "restore/restore.h"

#include "pipeline/method_run.h"
#include "pipeline/methods/rows.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::pipeline {

static MethodOutput run_restore(MethodInput& input) {
  const Request& request = input.request;
  restore::Options options = request.restore.options;
  options.scale = request.scale;
  options.self_ensemble = request.ensemble.value_or(false);
  if (request.tile > 0) options.tile = request.tile;
  const restore::Result result =
      restore::run(input.color, input.condition.value(), restore::Models::shipped(), options, input.context);
  return {
      result.image,
      result.summary,
      {},
      {},
      {{"restoration", restore::to_json(options, result)}},
      {{"strength", result.strength},
       {"detail", options.detail_in_force()},
       {"grain", result.grain},
       {"denoise", result.given.noise ? nlohmann::json(*result.given.noise) : nlohmann::json("network")},
       {"dejpeg", result.given.jpeg_quality ? nlohmann::json(*result.given.jpeg_quality) : nlohmann::json("network")},
       {"adapt", result.adapted && result.adapted->kept},
       {"ensemble", options.self_ensemble},
       {"tile", result.tile}}};
}

static std::string describe_restore(const Request& request) {
  restore::Options options = request.restore.options;
  options.scale = request.scale;
  return fmt::format("restoration x{}: strength {}, detail {:g}", format_scale(request.scale),
                     request.restore.strength ? fmt::format("{:g}", *request.restore.strength) : "auto",
                     options.detail_in_force());
}

Method restore_method() {
  using enum Setting;
  return {.name = "restore",
          .title = "restoration network for noisy, compressed and soft photos",
          .settings = {kEnsemble, kTile, kDevice, kRestoration},
          .run = run_restore,
          .describe = describe_restore,
          .examples =
              "  zsr {0} photo.jpg\n  zsr {0} scan.png -s 2 --detail 0.5\n"
              "  zsr {0} scans/ -o clean/ --grain keep\n  zsr {0} old.jpg --scratches auto --tone auto\n"};
}

}  // namespace zsr::pipeline
