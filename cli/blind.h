#pragma once

#include "cli/upscale_job.h"
#include "core/run_context.h"
#include "degradations/photo_condition.h"
#include "kernelgan/estimate.h"
#include "zssr/options.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace zsr::cli {

/// What --kernel auto and --noise auto found in a photo, and how ZSSR (or SRMD) is to go about it.
struct BlindFindings {
  zssr::Options options;
  nlohmann::json record;  ///< Null when nothing was asked.
  std::vector<std::string> warnings;
  /// The estimate in use and the share of its covariance that is taken; empty when the kernel is not an estimated one.
  std::optional<kernelgan::Estimate> estimate;
  double share = 1.0;
  /// A photo whose estimate cannot be trusted is restored instead, with this strength, where the user left the choice.
  std::optional<double> restore_strength;
};

/// Noise from which on back-projection would put the grain back in, of 255.
constexpr double kGrain = 5.0;

/// Looks at `color` [1, C, h, w] as the settings ask; `condition` is look_at_condition of it where it is known already.
BlindFindings look_at_photo(const torch::Tensor& color, const UpscaleSettings& settings,
                            std::optional<PhotoCondition> condition = std::nullopt);

/// The widest share of the estimate's covariance, 0.4 to 0.85, under which the starting point of `options` brings the
/// photo back about as well as under a kernel surely narrow enough (zssr::Upscaler::consistency). Empty when it does
/// not bring it back even then.
std::optional<double> share_for_start(const torch::Tensor& color, const kernelgan::Estimate& estimate,
                                      zssr::Options options, const RunContext& context);

/// After a network could not bring the photo back: first a narrower kernel, then the bicubic one.
void take_narrower_kernel(BlindFindings& findings, const UpscaleSettings& settings, double consistency_db);

}  // namespace zsr::cli
