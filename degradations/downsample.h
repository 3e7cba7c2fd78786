#pragma once

#include "degradations/kernel.h"
#include "image/resize.h"

#include <torch/types.h>

namespace zsr {

/// Blurs `image` ([N, C, H, W] float) with `kernel` and samples it on the grid of factor `scale` (>= 1 per axis, larger
/// over smaller) as Note [Kernel convention] says; border symmetric. Output size ceil(size / scale) unless `size` is
/// given. For a scale that is not an integer the blurred image is read between pixels by cubic interpolation, at the
/// positions of `phase` (MATLAB's when empty). Differentiable; runs on the image's device.
torch::Tensor downsample(const torch::Tensor& image, const BlurKernel& kernel, Scale scale,
                         std::optional<Size> size = std::nullopt, std::optional<Phase> phase = std::nullopt);

}  // namespace zsr
