#pragma once

#include "cli/blind.h"
#include "cli/progress.h"
#include "core/run_context.h"
#include "degradations/kernel.h"
#include "degradations/photo_condition.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <optional>

namespace zsr::cli {

struct Enlarged {
  torch::Tensor color;  ///< [1, C, H, W] in [0, 1].
  Summary summary;
  std::optional<double> consistency_db;
  std::optional<BlurKernel> kernel;  ///< Where the method found it.
  nlohmann::json record;             ///< What the method has to tell, an object to go into the photo's record; or null.
};

/// `color` [1, C, h, w] by the method of the settings. `findings` receives what was changed on the way.
Enlarged enlarge(const torch::Tensor& color, int bit_depth, const UpscaleSettings& settings, BlindFindings& findings,
                 ProgressPrinter& progress);

/// `color` in that condition by the restoration, as the settings say.
Enlarged restore_photo(const torch::Tensor& color, const PhotoCondition& condition, const UpscaleSettings& settings,
                       ProgressPrinter& progress);

}  // namespace zsr::cli
