#include "image/resize.h"
#include "pipeline/method_run.h"
#include "pipeline/methods/rows.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::pipeline {

static MethodOutput run_bicubic(MethodInput& input) {
  const Request& request = input.request;
  ResizeOptions resize;
  resize.phase = request.phase;
  // Straight to a size that was asked for: no whole factor is needed on the way.
  if (request.target) {
    const Scale scale{static_cast<double>(request.target->height) / static_cast<double>(input.color.size(2)),
                      static_cast<double>(request.target->width) / static_cast<double>(input.color.size(3))};
    return {imresize(input.color, scale, *request.target, resize).clamp_(0.0, 1.0), {}, {}, {}, {}, {}};
  }
  // 8-bit photos go the way MATLAB goes, so that figures match published bicubic rows.
  return {input.bit_depth == 8 ? imresize_uint8(input.color, request.scale, resize)
                               : imresize(input.color, request.scale, resize).clamp_(0.0, 1.0),
          {},
          {},
          {},
          {},
          {}};
}

static std::string describe_bicubic(const Request& request) {
  return fmt::format("bicubic x{}", format_scale(request.scale));
}

Method bicubic_method() {
  return {.name = "bicubic",
          .title = "bicubic interpolation as MATLAB's imresize",
          .settings = {Setting::kPhase},
          .has_command = false,
          .run = run_bicubic,
          .describe = describe_bicubic};
}

}  // namespace zsr::pipeline
