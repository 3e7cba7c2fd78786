#pragma once

#include "degradations/kernel.h"

#include <torch/types.h>

namespace zsr::networks {

/// The data step of USRNet (Zhang, Van Gool and Timofte 2020, equation 7): the image x nearest to a given one that
/// explains the photo,
///     argmin |(x correlated with the kernel)[::s, ::s] - y|^2 + alpha |x - z|^2,
/// in closed form by the Fourier transform, so the photo is taken as a torus.
class DataStep {
 public:
  /// `y` [1, C, h, w] float32.
  DataStep(const torch::Tensor& y, const BlurKernel& kernel, int64_t s);
  /// `z` [1, C, s h, s w] -> x of the same shape; `alpha` > 0.
  torch::Tensor operator()(const torch::Tensor& z, double alpha) const;

 private:
  int64_t s_;
  torch::Tensor blur_;          // transfer function, [1, 1, s h, s w] complex
  torch::Tensor blurred_back_;  // spectrum of y between zeros, correlated back
};

}  // namespace zsr::networks
