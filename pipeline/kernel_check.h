#pragma once

#include "core/run_context.h"
#include "degradations/kernel.h"

#include <torch/types.h>

namespace zsr::pipeline {

/// LR-consistency (dB, zssr::Upscaler::consistency) of short ZSSR runs on the middle of a photo.
struct KernelCheck {
  /// Under this a kernel is too wide for its photo; measured, see kernelgan/README.md.
  static constexpr double kLeast = 43.0;
  double estimated = 0.0;
  double bicubic = 0.0;
  double point = 0.0;  ///< No blur at all. Narrower kernels always come back better: it only tells what is possible.
};

/// Trains with `kernel`, with bicubic downscaling and with a point; a few seconds each. `color` [1, C, h, w].
KernelCheck check_kernel(const torch::Tensor& color, const BlurKernel& kernel, double scale, const RunContext& context);

}  // namespace zsr::pipeline
