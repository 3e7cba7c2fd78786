#pragma once

#include "cli/upscale_job.h"

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

namespace zsr::cli {

/// `color` [1, C, h, w] with its scratches filled as --scratches says; what was done goes into `record["scratches"]`.
/// Writes --save-mask. Throws InputError where a mask does not fit the photo, IoError.
torch::Tensor fill_scratches_of(const torch::Tensor& color, const UpscaleSettings& settings, nlohmann::json& record);

/// `color` with its tone as --tone says; what was done goes into `record["tone"]`.
torch::Tensor correct_tone_of(const torch::Tensor& color, const UpscaleSettings& settings, nlohmann::json& record);

/// Prints what of both stands in `record`, a line each.
void print_touch_up(const nlohmann::json& record);

}  // namespace zsr::cli
