#include "networks/data_step.h"

#include <torch/fft.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// Mean over the s x s aliases of each frequency: what taking every s-th pixel does to a spectrum.
torch::Tensor folded(const torch::Tensor& spectrum, int64_t s) {
  const int64_t h = spectrum.size(2) / s;
  const int64_t w = spectrum.size(3) / s;
  return spectrum.reshape({spectrum.size(0), spectrum.size(1), s, h, s, w}).mean({2, 4});
}

// [length, count] matrix that puts tap i of a kernel at index i - count / 2, modulo the length.
torch::Tensor placement(int64_t count, int64_t length) {
  const torch::Tensor taps = torch::arange(count);
  return torch::zeros({length, count}).index_put_({(taps - count / 2).remainder(length), taps}, torch::ones({count}));
}

}  // namespace

torch::Tensor kernel_plane(const torch::Tensor& kernels, Size size) {
  const torch::Tensor rows = placement(kernels.size(2), size.height).to(kernels.options());
  const torch::Tensor columns = placement(kernels.size(3), size.width).to(kernels.options());
  return torch::matmul(torch::matmul(rows, kernels), columns.t());
}

torch::Tensor transfer_function(const torch::Tensor& kernels, Size size) {
  // Correlation, not convolution.
  return torch::conj(torch::fft::fft2(kernel_plane(kernels, size))).resolve_conj();
}

torch::Tensor spectrum_back(const torch::Tensor& y, const torch::Tensor& transfer, int64_t s) {
  torch::Tensor apart = torch::zeros({y.size(0), y.size(1), y.size(2) * s, y.size(3) * s}, y.options());
  apart.slice(2, 0, c10::nullopt, s).slice(3, 0, c10::nullopt, s).copy_(y);
  return torch::conj(transfer) * torch::fft::fft2(apart);
}

torch::Tensor data_step(const torch::Tensor& z, const torch::Tensor& transfer, const torch::Tensor& back,
                        const torch::Tensor& alpha, int64_t s) {
  const torch::Tensor right = back + torch::fft::fft2(z) * alpha;
  const torch::Tensor power = torch::real(transfer * torch::conj(transfer));
  const torch::Tensor inverse = folded(transfer * right, s) / (folded(power, s) + alpha);
  const torch::Tensor spread = torch::conj(transfer) * inverse.repeat({1, 1, s, s});
  return torch::real(torch::fft::ifft2((right - spread) / alpha)).contiguous();
}

}  // namespace zsr::networks
