#include "networks/data_step.h"

#include "degradations/filter.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::networks {
namespace {

// The minimum of the data step's objective: its gradient vanishes there, by correlation in the image domain.
TEST(DataStep, IsTheMinimum) {
  torch::manual_seed(7);
  const int64_t s = 3;
  const double alpha = 0.05;
  const BlurKernel kernel(torch::rand({5, 7}));
  const torch::Tensor y = torch::rand({1, 3, 12, 14});
  const torch::Tensor z = torch::rand({1, 3, 36, 42});
  const torch::Tensor weights = kernel.weights().to(torch::kFloat32).view({1, 1, 5, 7});
  const torch::Tensor transfer = transfer_function(weights, {36, 42});
  const torch::Tensor strength = torch::full({1, 1, 1, 1}, alpha);
  const torch::Tensor x =
      data_step(z, transfer, spectrum_back(y, transfer, s), strength, s).to(torch::kFloat64).requires_grad_(true);
  // Periodic by hand: the image continued on all sides, blurred, cut out again.
  const torch::Tensor around = torch::cat({x, x, x}, 2);
  const torch::Tensor tiled = torch::cat({around, around, around}, 3);
  const torch::Tensor blurred =
      correlate(tiled, kernel.weights(), {}, Border::kZero).narrow(2, 36, 36).narrow(3, 42, 42);
  const torch::Tensor miss = blurred.slice(2, 0, c10::nullopt, s).slice(3, 0, c10::nullopt, s) - y;
  (miss.square().sum() + alpha * (x - z).square().sum()).backward();
  EXPECT_LT(x.grad().abs().max().item<double>(), 1e-4);
}

// In double precision, by finite differences: of the image, the strength and the kernel.
TEST(DataStep, HasTheRightGradients) {
  torch::manual_seed(8);
  const int64_t s = 2;
  const auto options = torch::TensorOptions(torch::kFloat64);
  const torch::Tensor y = torch::rand({2, 1, 4, 6}, options);
  std::vector<torch::Tensor> inputs{torch::rand({2, 1, 8, 12}, options), torch::rand({2, 1, 1, 1}, options) + 0.1,
                                    torch::rand({2, 1, 3, 5}, options)};
  const torch::Tensor weights = torch::randn({2, 1, 8, 12}, options);
  const auto loss = [&] {
    const torch::Tensor transfer = transfer_function(inputs[2], {8, 12});
    return (data_step(inputs[0], transfer, spectrum_back(y, transfer, s), inputs[1], s) * weights).sum();
  };
  for (torch::Tensor& input : inputs) input.requires_grad_(true);
  loss().backward();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (torch::Tensor& input : inputs) {
    for (const int64_t at : {int64_t{0}, input.numel() - 1}) {
      double* const value = input.data_ptr<double>() + at;
      const double before = *value;
      *value = before + kStep;
      const double above = loss().item<double>();
      *value = before - kStep;
      const double below = loss().item<double>();
      *value = before;
      EXPECT_NEAR(input.grad().view({-1})[at].item<double>(), (above - below) / (2.0 * kStep), 1e-5);
    }
  }
}

}  // namespace
}  // namespace zsr::networks
