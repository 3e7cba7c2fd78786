#pragma once

#include "core/run_context.h"
#include "networks/restorer.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace zsr::restore {

/// What fine-tuning on one photo came to.
struct Adapted {
  WeightsFile weights;     ///< Fine-tuned; those that were given where that did not help or was not tried.
  bool kept = false;       ///< Whether the held-back part confirmed it.
  std::string reason;      ///< Why it was not tried or not kept; else empty.
  int64_t steps = 0;       ///< Training steps taken.
  double before_db = 0.0;  ///< PSNR of luma in the held-back part, with the weights that were given,
  double after_db = 0.0;   ///< and with the fine-tuned ones.
};

/// Fine-tunes a restoration network on `photo` [1, 1 or 3, h, w]: it is made smaller by bicubic interpolation and
/// damaged as the photo was (`damage`, both fields known), and the network learns to make the photo of that. A quarter
/// of the photo is held back: where the network has not become better there, the given weights stay. `scale` 2 to 4.
/// Deterministic for a seed. Throws OptionError, Cancelled.
Adapted adapt(const torch::Tensor& photo, const networks::Damage& damage, const WeightsFile& weights, int64_t scale,
              const RunContext& context);

}  // namespace zsr::restore
