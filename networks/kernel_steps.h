#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::networks {

// The steps of KXNet (Fu et al. 2022) for the blur kernel and the image: gradients of
//     |(x correlated with the kernel)[::s, ::s] - y|^2,
// x continued by mirroring. As the authors' code has them. All of it is differentiable. `x` [N, C, s h, s w], its sides
// longer than half of the kernel's; `y` [N, C, h, w]; `kernels` [N, 1, k, k], k odd.

/// x blurred, every s-th pixel, less the photo: [N, C, h, w].
torch::Tensor reblur_error(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& kernels, int64_t s);

/// The gradient by the kernel, a mean over the pixels and channels of the photo: [N, 1, k, k].
torch::Tensor kernel_gradient(const torch::Tensor& x, const torch::Tensor& error, int64_t side, int64_t s);

/// The error spread by the kernel on the fine grid, over what the kernel spreads of ones: [N, C, s h, s w].
torch::Tensor spread_error(const torch::Tensor& error, const torch::Tensor& kernels, int64_t s);

}  // namespace zsr::networks
