#include "degradations/kernel_code.h"

#include <torch/types.h>

#include <cmath>
#include <complex>
#include <numbers>

namespace zsr {
namespace {

constexpr size_t kDirections = 4;

}  // namespace

std::array<float, kKernelCodeLength> kernel_code(const BlurKernel& kernel, double scale) {
  constexpr std::array<double, 3> kFrequencies = {0.15, 0.3, 0.45};
  const torch::Tensor weights = kernel.weights().to(torch::kFloat64).contiguous();
  const auto taps = weights.accessor<double, 2>();
  std::array<float, kKernelCodeLength> code{};
  for (size_t i = 0; i < kKernelCodeLength; ++i) {
    const double angle = static_cast<double>(i % kDirections) * std::numbers::pi / 4.0;
    const double frequency = kFrequencies[i / kDirections] / scale;
    std::complex<double> sum = 0.0;
    for (int64_t y = 0; y < taps.size(0); ++y) {
      for (int64_t x = 0; x < taps.size(1); ++x) {
        const double along = static_cast<double>(x) * std::cos(angle) + static_cast<double>(y) * std::sin(angle);
        sum += taps[y][x] * std::polar(1.0, -2.0 * std::numbers::pi * frequency * along);
      }
    }
    code[i] = static_cast<float>(std::abs(sum));
  }
  return code;
}

std::array<float, kKernelCodeLength> turned_code(const std::array<float, kKernelCodeLength>& code, int64_t index) {
  // Of a kernel whose only weights tell the directions apart: where each direction comes from.
  std::array<float, kKernelCodeLength> turned = code;
  const bool quarter = index % 2 == 1;
  const bool mirrored = index >= 4;
  for (size_t i = 0; i < kKernelCodeLength; ++i) {
    size_t direction = i % kDirections;
    if (mirrored) direction = (kDirections - direction) % kDirections;
    if (quarter) direction = (direction + 2) % kDirections;
    turned[i] = code[i / kDirections * kDirections + direction];
  }
  return turned;
}

}  // namespace zsr
