#include "networks/periodic.h"

#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::networks {
namespace {

// 1 inside, falling to 0 over the margins.
torch::Tensor window(int64_t length, Margin margin) {
  torch::Tensor weights = torch::ones({length});
  auto values = weights.accessor<float, 1>();
  const auto ramp = [](int64_t i, int64_t count) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    return static_cast<float>(0.5 - 0.5 * std::cos(M_PI * part));
  };
  for (int64_t i = 0; i < margin.begin; ++i) values[i] = ramp(i, margin.begin);
  for (int64_t i = 0; i < margin.end; ++i) values[length - 1 - i] = ramp(i, margin.end);
  return weights;
}

bool is_fast(int64_t length) {
  for (const int64_t factor : {2, 3, 5}) {
    while (length % factor == 0) length /= factor;
  }
  return length == 1;
}

}  // namespace

Margin mirrored_margin(int64_t length, int64_t wanted) {
  const int64_t most = length - 1;
  const int64_t begin = std::min(wanted, most);
  for (int64_t end = begin; end <= most; ++end) {
    if (is_fast(begin + length + end)) return {begin, end};
  }
  return {begin, begin};
}

torch::Tensor seamless(const torch::Tensor& image, Margin rows, Margin columns) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto low_pass = [](int64_t length, Margin margin) {
    // A Gaussian of a third of the smaller margin, as its transfer function.
    const double sigma = std::max(1.0, static_cast<double>(margin.begin) / 3.0);
    const torch::Tensor f = torch::fft::fftfreq(length);
    return torch::exp(f.square() * (-2.0 * M_PI * M_PI * sigma * sigma));
  };
  const torch::Tensor filter = low_pass(height, rows).view({-1, 1}) * low_pass(width, columns).view({1, -1});
  const torch::Tensor smooth = torch::real(torch::fft::ifft2(torch::fft::fft2(image) * filter));
  const torch::Tensor inside = window(height, rows).view({-1, 1}) * window(width, columns).view({1, -1});
  return smooth + (image - smooth) * inside;
}

}  // namespace zsr::networks
