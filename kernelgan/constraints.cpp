#include "kernelgan/constraints.h"

#include "core/image/resize.h"
#include "degradations/kernel_families.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace zsr::kernelgan {
namespace {

// 30 (1 - g / max g) around an empty middle, g a Gaussian of sigma = size (authors' create_penalty_mask).
torch::Tensor penalty_mask(int64_t size, torch::ScalarType dtype) {
  constexpr double kScale = 30.0;
  const torch::Tensor line = torch::arange(size, torch::kFloat64) - static_cast<double>(size - 1) / 2.0;
  const auto sigma = static_cast<double>(size);
  const torch::Tensor gaussian =
      torch::exp(-0.5 * (line.unsqueeze(1).square() + line.unsqueeze(0).square()) / (sigma * sigma));
  torch::Tensor mask = 1.0 - gaussian / gaussian.max();
  const int64_t center = size / 2 + size % 2;
  const int64_t margin = (size - center) / 2 - 1;
  mask.slice(0, margin, size - margin).slice(1, margin, size - margin).zero_();
  return (kScale * mask).to(dtype);
}

// imresize by 1/2 as a stride-2 filter on patches, without its border: [8, 8].
torch::Tensor bicubic_filter(torch::ScalarType dtype) {
  const ResampleMatrix matrix(48, 24, 0.5, {}, std::nullopt);
  const torch::Tensor row = matrix.dense()[12].slice(0, 21, 29);  // eight taps around 24.5
  return (row.unsqueeze(1) * row.unsqueeze(0)).to(dtype);
}

}  // namespace

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

ConstraintLoss constraint_loss(const torch::Tensor& kernel, const torch::Tensor& input, const torch::Tensor& output,
                               const ConstraintWeights& weights) {
  const auto dtype = kernel.scalar_type();
  static const torch::Tensor filter = bicubic_filter(torch::kFloat32);
  static const torch::Tensor mask = penalty_mask(13, torch::kFloat32);
  const torch::Tensor colors = input.view({input.size(1), 1, input.size(2), input.size(3)});
  torch::Tensor reference = torch::conv2d(colors, filter.to(dtype).view({1, 1, 8, 8}), {}, 2);
  // Both are centred on the patch; the smaller one decides.
  const int64_t cut_y = (reference.size(2) - output.size(2)) / 2;
  const int64_t cut_x = (reference.size(3) - output.size(3)) / 2;
  reference = reference.slice(2, cut_y, cut_y + output.size(2)).slice(3, cut_x, cut_x + output.size(3));
  ConstraintLoss loss;
  loss.bicubic = torch::mse_loss(output.view(reference.sizes()), reference);
  const torch::Tensor sum = kernel.sum();
  loss.total = weights.bicubic * loss.bicubic + weights.sum_to_one * (sum - 1.0).abs() +
               weights.boundaries * (kernel * mask.to(dtype)).abs().mean();
  if (weights.centralized > 0.0) {
    const torch::Tensor line = torch::arange(kernel.size(0), kernel.options().requires_grad(false));
    const double middle = static_cast<double>(kernel.size(0) / 2) + 0.5 * static_cast<double>(2 - kernel.size(0) % 2);
    const torch::Tensor y = (kernel.sum(1) * line).sum() / sum;
    const torch::Tensor x = (kernel.sum(0) * line).sum() / sum;
    loss.total = loss.total + weights.centralized * 0.5 * ((y - middle).square() + (x - middle).square());
  }
  if (weights.sparse > 0.0) {
    constexpr double kPower = 0.2;
    constexpr double kLeast = 1e-12;  // keeps the slope of |k|^0.2 finite at zero
    loss.total = loss.total + weights.sparse * kernel.abs().clamp_min(kLeast).pow(kPower).mean();
  }
  return loss;
}

}  // namespace zsr::kernelgan
