#pragma once

#include <torch/types.h>

namespace zsr::dip {

/// Mean structural similarity of two images [1, C, H, W] in [0, 1] as the loss of DIP-FKP has it: Gaussian window of 11
/// pixels, sigma 1.5, zeros beyond the border, constants (0.01)^2 and (0.03)^2 (DIPFKP/model/SSIM.py). Differentiable.
/// Not the metric that `zsr eval` reports.
torch::Tensor ssim_loss_similarity(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace zsr::dip
