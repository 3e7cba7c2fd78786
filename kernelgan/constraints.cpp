#include "kernelgan/constraints.h"

#include "image/resize.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kSize = kGeneratorKernel;
constexpr int64_t kCount = kKernelCount;

// 30 (1 - g / max g) around an empty middle, g a Gaussian of sigma = size (authors' create_penalty_mask).
std::array<double, kCount> penalty_mask() {
  constexpr double kScale = 30.0;
  constexpr int64_t kMargin = (kSize - (kSize / 2 + kSize % 2)) / 2 - 1;
  std::array<double, kCount> mask{};
  for (int64_t y = 0; y < kSize; ++y) {
    for (int64_t x = 0; x < kSize; ++x) {
      const auto inside = [](int64_t i) { return i >= kMargin && i < kSize - kMargin; };
      if (inside(y) && inside(x)) continue;
      const auto square = [](int64_t i) { return std::pow(static_cast<double>(i) - 0.5 * (kSize - 1), 2); };
      mask[static_cast<size_t>(y * kSize + x)] =
          kScale * (1.0 - std::exp(-0.5 * (square(y) + square(x)) / (kSize * kSize)));
    }
  }
  return mask;
}

double sign(double value) {
  return value > 0.0 ? 1.0 : (value < 0.0 ? -1.0 : 0.0);
}

}  // namespace

const std::array<float, kKernelCount>& bicubic_reference_kernel() {
  static const std::array<float, kKernelCount> kernel = [] {
    // Eight taps from the third pixel on: the whole reference, cut to the size of what 13 taps leave.
    constexpr int64_t kFirst = 2;
    constexpr int64_t kTaps = 8;
    const ResampleMatrix matrix(48, 24, 0.5, {}, std::nullopt);
    const torch::Tensor row = matrix.dense()[12].slice(0, 21, 21 + kTaps).to(torch::kFloat64);  // around 24.5
    const double* const taps = row.data_ptr<double>();
    std::array<float, kKernelCount> whole{};
    for (int64_t y = 0; y < kTaps; ++y) {
      for (int64_t x = 0; x < kTaps; ++x) {
        whole[static_cast<size_t>((kFirst + y) * kSize + kFirst + x)] = static_cast<float>(taps[y] * taps[x]);
      }
    }
    return whole;
  }();
  return kernel;
}

void Schedule::update(int64_t step, double bicubic_loss) {
  if (step == 0) return;
  constexpr int64_t kRateEvery = 750;
  constexpr int64_t kWeightsEvery = 200;
  constexpr double kNear = 0.4;
  if (step % kRateEvery == 0) learning_rate_ /= 10.0;
  if (near_bicubic_ < 3) {
    near_bicubic_ = bicubic_loss < kNear ? near_bicubic_ + 1 : 0;
    return;
  }
  if (step % kWeightsEvery != 0) return;
  weights_.bicubic = std::max(weights_.bicubic / 100.0, 5e-6);
  if (!inserted_ && weights_.bicubic < 5e-3) {
    weights_.centralized = 1.0;
    weights_.sparse = 5.0;
    inserted_ = true;
  }
}

ConstraintLoss constraint_loss(std::span<const float, kKernelCount> kernel, std::span<const float> output,
                               std::span<const float> reference, const ConstraintWeights& weights,
                               std::span<float> output_gradient) {
  static const std::array<double, kCount> mask = penalty_mask();
  ConstraintLoss loss;
  const auto slope_factor = static_cast<float>(2.0 * weights.bicubic / static_cast<double>(output.size()));
  double squares = 0.0;
  for (size_t i = 0; i < output.size(); ++i) {
    const float away = output[i] - reference[i];
    squares += static_cast<double>(away) * away;
    output_gradient[i] += slope_factor * away;
  }
  loss.bicubic = squares / static_cast<double>(output.size());

  std::array<double, kCount> k{};
  std::copy(kernel.begin(), kernel.end(), k.begin());
  double sum = 0.0;
  double sum_y = 0.0;
  double sum_x = 0.0;
  for (int64_t i = 0; i < kCount; ++i) {
    sum += k[static_cast<size_t>(i)];
    sum_y += k[static_cast<size_t>(i)] * static_cast<double>(i / kSize);
    sum_x += k[static_cast<size_t>(i)] * static_cast<double>(i % kSize);
  }
  constexpr double kMiddle = kSize / 2 + 0.5 * (2 - kSize % 2);
  const double center_y = sum_y / sum;
  const double center_x = sum_x / sum;
  double far = 0.0;
  double many = 0.0;
  for (int64_t i = 0; i < kCount; ++i) {
    const double size = std::abs(k[static_cast<size_t>(i)]);
    const double m = mask[static_cast<size_t>(i)];
    far += size * m / kCount;
    double slope =
        weights.sum_to_one * sign(sum - 1.0) + weights.boundaries * m * sign(k[static_cast<size_t>(i)]) / kCount;
    if (weights.centralized > 0.0) {
      slope += weights.centralized *
               ((center_y - kMiddle) * (static_cast<double>(i / kSize) - center_y) +
                (center_x - kMiddle) * (static_cast<double>(i % kSize) - center_x)) /
               sum;
    }
    if (weights.sparse > 0.0) {
      constexpr double kPower = 0.2;
      constexpr double kLeast = 1e-12;  // keeps the slope of |k|^0.2 finite at zero
      const double power = std::pow(std::max(size, kLeast), kPower);
      many += power / kCount;
      if (size >= kLeast) slope += weights.sparse * kPower * power / k[static_cast<size_t>(i)] / kCount;
    }
    loss.kernel_gradient[static_cast<size_t>(i)] = static_cast<float>(slope);
  }
  loss.total = weights.bicubic * loss.bicubic + weights.sum_to_one * std::abs(sum - 1.0) + weights.boundaries * far +
               weights.centralized * 0.5 * (std::pow(center_y - kMiddle, 2) + std::pow(center_x - kMiddle, 2)) +
               weights.sparse * many;
  return loss;
}

}  // namespace zsr::kernelgan
