#include "networks/data_step.h"

#include <torch/fft.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

torch::Tensor transfer_function(const BlurKernel& kernel, int64_t height, int64_t width) {
  torch::Tensor plane = torch::zeros({height, width}, torch::kFloat64);
  const auto weights = kernel.weights().accessor<double, 2>();
  auto to = plane.accessor<double, 2>();
  const auto wrapped = [](int64_t i, int64_t length) { return ((i % length) + length) % length; };
  for (int64_t y = 0; y < kernel.height(); ++y) {
    for (int64_t x = 0; x < kernel.width(); ++x) {
      to[wrapped(y - kernel.anchor_y(), height)][wrapped(x - kernel.anchor_x(), width)] += weights[y][x];
    }
  }
  // Correlation, not convolution.
  return torch::conj(torch::fft::fft2(plane.to(torch::kFloat32))).resolve_conj().view({1, 1, height, width});
}

// Mean over the s x s aliases of each frequency: what taking every s-th pixel does to a spectrum.
torch::Tensor folded(const torch::Tensor& spectrum, int64_t s) {
  const int64_t h = spectrum.size(2) / s;
  const int64_t w = spectrum.size(3) / s;
  return spectrum.reshape({spectrum.size(0), spectrum.size(1), s, h, s, w}).mean({2, 4});
}

}  // namespace

DataStep::DataStep(const torch::Tensor& y, const BlurKernel& kernel, int64_t s)
    : s_(s), blur_(transfer_function(kernel, y.size(2) * s, y.size(3) * s)) {
  torch::Tensor apart = torch::zeros({y.size(0), y.size(1), y.size(2) * s, y.size(3) * s});
  apart.slice(2, 0, c10::nullopt, s).slice(3, 0, c10::nullopt, s).copy_(y);
  blurred_back_ = torch::conj(blur_) * torch::fft::fft2(apart);
}

torch::Tensor DataStep::operator()(const torch::Tensor& z, double alpha) const {
  const torch::Tensor right = blurred_back_ + torch::fft::fft2(z) * alpha;
  const torch::Tensor power = torch::real(blur_ * torch::conj(blur_));
  const torch::Tensor inverse = folded(blur_ * right, s_) / (folded(power, s_) + alpha);
  const torch::Tensor spread = torch::conj(blur_) * inverse.repeat({1, 1, s_, s_});
  return torch::real(torch::fft::ifft2((right - spread) / alpha)).contiguous();
}

}  // namespace zsr::networks
