#pragma once

#include "core/run_context.h"
#include "degradations/flow_prior.h"
#include "degradations/kernel.h"

#include <torch/types.h>

namespace zsr::dip {

/// Settings of DIP-FKP (Liang et al., CVPR 2021; DIPFKP/config/configs.py and model/model.py of the release): image and
/// blur kernel of one photo at once, the image by a skip network, the kernel by a flow prior.
struct FkpOptions {
  int64_t scale = 2;              ///< 2, 3, 4 or 8; that of the prior (OptionError otherwise).
  int64_t steps = 1000;           ///< > 0.
  double learning_rate = 5e-3;    ///< > 0. Adam, image.
  double kernel_rate = 0.5;       ///< > 0. Adam, latent numbers of the kernel; brought back to their sphere each step.
  int64_t frozen_steps = 75;      ///< >= 0. Steps before the kernel moves.
  int64_t similarity_steps = 80;  ///< >= 0. Steps whose loss is 1 - SSIM; then the mean squared error.
  /// Whether the photo stands as the release's test images do: by correlation with the kernel's centre at (side -
  /// scale) / 2, its border wrapped around. Else aligned with the result, its border mirrored. Differs from the
  /// release, which knows only the first.
  bool published_phase = false;
  void validate() const;  ///< Throws OptionError.
};

struct FkpResult {
  torch::Tensor image;  ///< [1, C, h * scale, w * scale] in [0, 1].
  BlurKernel kernel;    ///< In zsr's convention: how the photo came from the image.
  Summary summary;
};

/// `photo` [1, 1 or 3, h, w] float32 in [0, 1]. Throws OptionError and InputError.
FkpResult run_fkp(const torch::Tensor& photo, const FlowPrior& prior, const FkpOptions& options,
                  const RunContext& context = {});

}  // namespace zsr::dip
