#pragma once

#include "core/run_context.h"
#include "degradations/estimation/photo_condition.h"
#include "image/photo_codec.h"
#include "pipeline/photo_formation.h"
#include "pipeline/request.h"

#include <torch/types.h>

#include <optional>
#include <string>

namespace zsr::pipeline {

/// What the photo decides: the method, the strength of a restoration, kernel and noise.
struct Choice {
  Request request;                          ///< With what was chosen.
  std::string method;                       ///< Of methods().
  std::optional<PhotoCondition> condition;  ///< Where it was looked at.
  PhotoFormation formation;                 ///< Empty for restorations.
};

/// Looks at `color` ([1, C, h, w] float32 in [0, 1]) as far as the request leaves something open. `range`: of the
/// photo.
Choice choose(const torch::Tensor& color, const Request& request, DynamicRange range, const RunContext& context);

}  // namespace zsr::pipeline
