#pragma once

#include "image/resize.h"

#include <torch/types.h>

namespace zsr::networks {

// The data step of USRNet (Zhang, Van Gool and Timofte 2020, equation 7): the image x nearest to a given one that
// explains the photo,
//     argmin |(x correlated with the kernel)[::s, ::s] - y|^2 + alpha |x - z|^2,
// in closed form by the Fourier transform, so with periodic boundaries. All of it is differentiable.

/// `kernels` [N, 1, k, k'] on an image of `size` between zeros, [N, 1, H, W], the anchor at its first pixel (Note
/// [Kernel convention]): what lies before that comes in at the other end, periodically.
torch::Tensor kernel_plane(const torch::Tensor& kernels, Size size);

/// `kernels` [N, 1, k, k'], anchor at index size / 2 (Note [Kernel convention]) -> what correlation with them does to
/// the spectrum of an image of `size`, [N, 1, H, W] complex.
torch::Tensor transfer_function(const torch::Tensor& kernels, Size size);

/// `y` [N, C, h, w] put between zeros on the grid that is `s` times as fine and correlated back: its spectrum,
/// [N, C, s h, s w] complex.
torch::Tensor spectrum_back(const torch::Tensor& y, const torch::Tensor& transfer, int64_t s);

/// `z` [N, C, s h, s w], `alpha` [N, 1, 1, 1] > 0 -> x of the shape of `z`.
torch::Tensor data_step(const torch::Tensor& z, const torch::Tensor& transfer, const torch::Tensor& back,
                        const torch::Tensor& alpha, int64_t s);

}  // namespace zsr::networks
