#include "srmd/kernel_before_imresize.h"

#include "degradations/kernel_families.h"

#include <torch/types.h>

#include <cmath>

namespace zsr::srmd {
namespace {

// Frequencies in cycles per pixel, up to the highest along both axes; half of the plane tells the rest of a real
// kernel's response.
constexpr int64_t kAlong = 41;
constexpr double kHighest = 0.5;

torch::Tensor frequencies_y() {
  return torch::linspace(-kHighest, kHighest, kAlong, torch::kFloat64);
}

torch::Tensor frequencies_x() {
  return torch::linspace(0.0, kHighest, kAlong / 2 + 1, torch::kFloat64);
}

// Square root of the power of photos at those frequencies, [y, x], bounded where it has no end. The column x = 0 holds
// both y and -y, the others stand for their mirror image too.
torch::Tensor amplitudes() {
  constexpr double kFloor = 1e-4;
  torch::Tensor power = 1.0 / (frequencies_y().square().unsqueeze(1) + frequencies_x().square() + kFloor);
  power.select(1, 0).mul_(0.5);
  return power.sqrt();
}

// Responses of kernels [n, h, w] about the pixel (`middle_y`, `middle_x`): [n, 2, y, x], real and imaginary parts.
torch::Tensor responses(const torch::Tensor& kernels, double middle_y, double middle_x) {
  const auto angles = [](const torch::Tensor& frequency, int64_t length, double middle) {
    return 2.0 * M_PI * torch::outer(frequency, torch::arange(length, torch::kFloat64) - middle);
  };
  const torch::Tensor y = angles(frequencies_y(), kernels.size(1), middle_y);
  const torch::Tensor x = angles(frequencies_x(), kernels.size(2), middle_x).t();
  const torch::Tensor even = torch::matmul(kernels, x.cos());
  const torch::Tensor odd = torch::matmul(kernels, x.sin());
  return torch::stack({torch::matmul(y.cos(), even) - torch::matmul(y.sin(), odd),
                       -torch::matmul(y.sin(), even) - torch::matmul(y.cos(), odd)},
                      1);
}

// About its centre of mass.
torch::Tensor response(const BlurKernel& kernel) {
  const Phase phase = kernel.phase();
  return responses(kernel.weights().unsqueeze(0), static_cast<double>(kernel.anchor_y()) + phase.y,
                   static_cast<double>(kernel.anchor_x()) + phase.x);
}

torch::Tensor complex_product(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor real = a.select(1, 0) * b.select(1, 0) - a.select(1, 1) * b.select(1, 1);
  const torch::Tensor imaginary = a.select(1, 0) * b.select(1, 1) + a.select(1, 1) * b.select(1, 0);
  return torch::stack({real, imaginary}, 1);
}

// x >= 0 with the least x' G x - 2 h' x, G positive definite: block principal pivoting (Kim and Park, SIAM Journal on
// Scientific Computing 33, 2011). Exact, so that a turned kernel gives the turned result.
torch::Tensor nonnegative_least_squares(const torch::Tensor& gram, const torch::Tensor& right) {
  constexpr int kMostRounds = 500;  // the rule for the last index ends by itself
  constexpr int kPatience = 3;
  constexpr double kTolerance = 1e-12;
  const double tolerance = kTolerance * right.abs().max().item<double>();
  torch::Tensor free = torch::ones({right.numel()}, torch::kBool);
  torch::Tensor solution;
  int64_t fewest = right.numel() + 1;
  int patience = kPatience;
  for (int round = 0; round < kMostRounds; ++round) {
    const torch::Tensor inside = free.nonzero().view({-1});
    solution = torch::zeros_like(right);
    solution.index_copy_(
        0, inside,
        torch::linalg_solve(gram.index_select(0, inside).index_select(1, inside), right.index_select(0, inside)));
    const torch::Tensor slope = torch::mv(gram, solution) - right;
    const torch::Tensor wrong = torch::where(free, solution < 0.0, slope < -tolerance).nonzero().view({-1});
    if (wrong.numel() == 0) break;
    torch::Tensor moved = wrong;
    if (wrong.numel() < fewest) {
      fewest = wrong.numel();
      patience = kPatience;
    } else if (patience > 0) {
      --patience;
    } else {
      moved = wrong.slice(0, -1);
    }
    free.index_copy_(0, moved, free.index_select(0, moved).logical_not());
  }
  return solution.clamp_min(0.0);
}

}  // namespace

KernelBeforeImresize::KernelBeforeImresize(int64_t scale) {
  // Between 1e-3 and 1e-2, which were tried on Set5 under Gaussians of 0.3 to 2 pixels at x2 and x4: less lets the
  // weights scatter into codes that the network has never seen, more widens the kernel.
  constexpr double kRidge = 2e-3;
  constexpr int64_t kWeights = kSize * kSize;
  constexpr double kMiddle = 0.5 * static_cast<double>(kSize - 1);
  const torch::Tensor single = torch::eye(kWeights, torch::kFloat64).view({kWeights, kSize, kSize});
  const BlurKernel cubic = make_kernel({.family = KernelFamily::kBicubic, .scale = static_cast<double>(scale)});
  made_ = complex_product(responses(single, kMiddle, kMiddle), response(cubic) * amplitudes())
              .view({kWeights, -1})
              .t()
              .contiguous();
  gram_ = torch::matmul(made_.t(), made_);
  gram_.diagonal().add_(kRidge * gram_.trace() / static_cast<double>(kWeights));
}

BlurKernel KernelBeforeImresize::operator()(const BlurKernel& kernel) const {
  const torch::Tensor given = (response(kernel) * amplitudes()).view({-1});
  const torch::Tensor weights = nonnegative_least_squares(gram_, torch::mv(made_.t(), given));
  return BlurKernel(weights.view({kSize, kSize}), "kernel before imresize");
}

}  // namespace zsr::srmd
