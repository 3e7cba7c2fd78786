#include "nn/kernels/winograd/chain.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::winograd {
namespace {

// Every instruction set that this processor runs, not only the one that would be chosen.
class WinogradKernels : public testing::TestWithParam<const Kernels* (*)()> {};

double relative(const torch::Tensor& got, const torch::Tensor& want) {
  return test::max_difference(got, want) / want.abs().max().item<double>();
}

TEST_P(WinogradKernels, ForwardAndBackwardMatchDoublePrecision) {
  const Kernels* kernels = GetParam()();
  if (kernels == nullptr) GTEST_SKIP() << "this processor does not have the instructions";
  torch::manual_seed(5);
  // Two layers with every kind of channel count (below, at and above whole blocks) and sides that are no whole tiles.
  const std::vector<ConvLayer> layers{{3, 80, true, true}, {80, 21, true, false}};
  const torch::Tensor input = torch::rand({2, 3, 27, 34}, torch::kFloat64).requires_grad_(true);
  const torch::Tensor w0 = (torch::randn({80, 3, 3, 3}, torch::kFloat64) * 0.2).requires_grad_(true);
  const torch::Tensor w1 = (torch::randn({21, 80, 3, 3}, torch::kFloat64) * 0.05).requires_grad_(true);
  const torch::Tensor b0 = (torch::randn({80}, torch::kFloat64) * 0.1).requires_grad_(true);
  const torch::Tensor b1 = (torch::randn({21}, torch::kFloat64) * 0.1).requires_grad_(true);
  const torch::Tensor gradient = torch::randn({2, 21, 27, 34}, torch::kFloat64);
  const torch::Tensor want = torch::conv2d(torch::relu(torch::conv2d(input, w0, b0, 1, 1)), w1, b1, 1, 1);
  (want * gradient).sum().backward();

  const auto single = [](const torch::Tensor& x) { return x.detach().to(torch::kFloat32).contiguous(); };
  Chain chain(layers, *kernels);
  std::shared_ptr<Chain::Activations> activations;
  const std::vector<LayerTensors> parameters{{single(w0), single(b0), {}}, {single(w1), single(b1), {}}};
  EXPECT_LT(relative(chain.forward(single(input), parameters, activations), want), 1e-5);
  std::vector<LayerTensors> gradients;
  for (const LayerTensors& layer : parameters) {
    gradients.push_back({torch::empty_like(layer.weight), torch::empty_like(layer.bias), {}});
  }
  const torch::Tensor input_gradient = chain.backward(single(gradient), parameters, activations, true, gradients);
  EXPECT_LT(relative(input_gradient, input.grad()), 1e-5);
  EXPECT_LT(relative(gradients[0].weight, w0.grad()), 1e-5);
  EXPECT_LT(relative(gradients[1].weight, w1.grad()), 1e-5);
  EXPECT_LT(relative(gradients[0].bias, b0.grad()), 1e-5);
  EXPECT_LT(relative(gradients[1].bias, b1.grad()), 1e-5);
}

TEST_P(WinogradKernels, ConstantImageStaysConstantInside) {
  const Kernels* kernels = GetParam()();
  if (kernels == nullptr) GTEST_SKIP() << "this processor does not have the instructions";
  Chain chain({{1, 1, false, false}}, *kernels);
  const torch::Tensor output =
      chain.infer(torch::ones({1, 1, 40, 40}), {{torch::full({1, 1, 3, 3}, 1.0 / 9.0), {}, {}}});
  EXPECT_LT((output.slice(2, 1, 39).slice(3, 1, 39) - 1.0).abs().max().item<double>(), 2e-6);
  EXPECT_NEAR(output[0][0][0][0].item<double>(), 4.0 / 9.0, 2e-6);  // zeros around
}

INSTANTIATE_TEST_SUITE_P(All, WinogradKernels, testing::Values(avx512_kernels, avx2_kernels, portable_kernels));

}  // namespace
}  // namespace zsr::winograd
