#pragma once

#include "dip/options.h"

#include <torch/types.h>

#include <cstdint>
#include <optional>

namespace zsr::dip {

/// What the steps of a run take, in seconds of wall time.
struct StepCost {
  double first_s = 0.0;  ///< The first step of a run, which also claims its memory from the system.
  double each_s = 0.0;   ///< Every later step.
};

/// Estimates the steps on the largest piece that `options` make of an output of `height` x `width` pixels (both > 0),
/// by two steps on a much smaller image on `device`. Nothing for small outputs: their own first steps are as quick to
/// measure. Throws OptionError for options that are not valid.
std::optional<StepCost> estimate_step_cost(const Options& options, int64_t height, int64_t width, torch::Device device);

}  // namespace zsr::dip
