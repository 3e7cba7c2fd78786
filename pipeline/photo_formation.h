#pragma once

#include "core/run_context.h"
#include "degradations/estimation/photo_condition.h"
#include "image/photo_codec.h"
#include "kernelgan/estimate.h"
#include "pipeline/request.h"

#include <nlohmann/json.hpp>
#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// How a photo came to be, as far as it is known before the photo is looked at.
struct FormationPlan {
  bool estimate_kernel = false;
  bool estimate_noise = false;
  std::vector<BlurKernel> kernels;  ///< Given ones: none (bicubic downscaling), one, or one for each cell of a grid.
  double noise = 0.0;               ///< Given standard deviation in 1/255.
  std::string kernel_name;          ///< For records: "auto", "bicubic" or the file.
  std::string reason;               ///< Why the kernel is so, a clause for people.
};

/// The one place where the kernel and the noise of a photo are decided that the user named neither of. Throws
/// OptionError where a kernel cannot be estimated as asked. `method` is one of methods(); `range`: of the photo.
FormationPlan plan_formation(const Request& request, const std::string& method,
                             DynamicRange range = DynamicRange::kSdr);

/// The plan after a look at the photo, and how ZSSR is to go about it.
struct PhotoFormation {
  FormationPlan plan;
  std::vector<BlurKernel> kernels;  ///< As in FormationPlan, estimated ones too.
  double noise = 0.0;               ///< Standard deviation in 1/255.
  zssr::Options zssr;               ///< Of the method "zssr".
  nlohmann::json record;            ///< What was estimated; null when nothing was.
  std::vector<std::string> warnings;
  /// The estimate in use and the share of its covariance that is taken; empty when the kernel is not an estimated one.
  std::optional<kernelgan::Estimate> estimate;
  double share = 1.0;
  /// LR consistency (dB) below which ZSSR trains again under a narrower kernel; 0: never.
  double least_consistency_db = 0.0;
  /// The network that enlarges the photo, since its blur is that of a lens out of focus or of motion; or null.
  std::shared_ptr<const Trained> network;
  /// A photo whose estimate cannot be trusted is better restored, with this strength.
  std::optional<double> restore_strength;
};

/// Noise from which on back-projection would put the grain back in, in 1/255.
constexpr double kGrain = 5.0;

/// Estimates in `color` [1, C, h, w] what the plan says. `condition` is look_at_condition of it, where it is known
/// already. Where the request leaves the method open, the restoration may take the photo, unless it is HDR.
PhotoFormation look_at_photo(const torch::Tensor& color, const Request& request, const std::string& method,
                             std::optional<PhotoCondition> condition, const RunContext& context,
                             DynamicRange range = DynamicRange::kSdr);

/// The widest share of the estimate's covariance, 0.4 to 1.15, under which the pretrained start of `options` restores
/// the photo about as well as under a kernel surely narrow enough (zssr::Upscaler::consistency). Empty when it does not
/// even then.
std::optional<double> share_for_start(const torch::Tensor& color, const kernelgan::Estimate& estimate,
                                      zssr::Options options, const RunContext& context);

/// After ZSSR's result was not consistent with the photo: first a narrower kernel, then the bicubic one.
void take_narrower_kernel(PhotoFormation& formation, Scale scale, double consistency_db);

}  // namespace zsr::pipeline
