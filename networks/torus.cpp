#include "networks/torus.h"

#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::networks {
namespace {

// 1 inside, falling to 0 over `margin` at both ends.
torch::Tensor window(int64_t length, int64_t margin) {
  torch::Tensor weights = torch::ones({length});
  auto values = weights.accessor<float, 1>();
  for (int64_t i = 0; i < margin; ++i) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(margin);
    values[i] = values[length - 1 - i] = static_cast<float>(0.5 - 0.5 * std::cos(M_PI * part));
  }
  return weights;
}

}  // namespace

torch::Tensor seamless(const torch::Tensor& image, int64_t top, int64_t left) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto low_pass = [](int64_t length, int64_t margin) {
    // A Gaussian of a third of the margin, as its transfer function.
    const double sigma = std::max(1.0, static_cast<double>(margin) / 3.0);
    const torch::Tensor f = torch::fft::fftfreq(length);
    return torch::exp(f.square() * (-2.0 * M_PI * M_PI * sigma * sigma));
  };
  const torch::Tensor filter = low_pass(height, top).view({-1, 1}) * low_pass(width, left).view({1, -1});
  const torch::Tensor smooth = torch::real(torch::fft::ifft2(torch::fft::fft2(image) * filter));
  const torch::Tensor inside = window(height, top).view({-1, 1}) * window(width, left).view({1, -1});
  return smooth + (image - smooth) * inside;
}

}  // namespace zsr::networks
