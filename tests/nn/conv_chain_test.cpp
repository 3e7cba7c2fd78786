#include "nn/kernels/conv_chain.h"

#include "core/error.h"
#include "nn/kernels/winograd/chain.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

struct Values {
  torch::Tensor output;
  torch::Tensor parameter_gradient;
  torch::Tensor input_gradient;
};

Values run_chain(const std::vector<ConvLayer>& layers, ConvBackend backend, const torch::Tensor& input,
                 const torch::Tensor& parameters, const torch::Tensor& weight) {
  const ConvChain chain(layers, backend);
  const torch::Tensor x = input.detach().clone().requires_grad_(true);
  const torch::Tensor p = parameters.detach().clone().requires_grad_(true);
  const torch::Tensor y = chain.forward(x, p);
  (y * weight).sum().backward();
  return {y.detach(), p.grad(), x.grad()};
}

double relative(const torch::Tensor& got, const torch::Tensor& want) {
  return test::max_difference(got, want) / want.abs().max().item<double>();
}

// The reference runs in double precision on at::conv2d. F(4x4, 3x3) Winograd loses about 1e-5 a layer; 2e-4 covers
// four.
void compare_backends(const std::vector<ConvLayer>& layers, const std::vector<int64_t>& input_size) {
  const int64_t count = ConvChain(layers, ConvBackend::kTorch).parameter_count();
  const torch::Tensor parameters = torch::randn({count}, torch::kFloat64) * 0.08;
  const torch::Tensor input = torch::rand(input_size, torch::kFloat64);
  int64_t enlargement = 1;
  for (const ConvLayer& layer : layers) enlargement *= layer.shuffle;
  const torch::Tensor weight = torch::randn(
      {input_size[0], layers.back().image_channels(), input_size[2] * enlargement, input_size[3] * enlargement},
      torch::kFloat64);
  const Values want = run_chain(layers, ConvBackend::kTorch, input, parameters, weight);
  const torch::Tensor x = input.to(torch::kFloat32);
  const torch::Tensor p = parameters.to(torch::kFloat32);
  const Values got = run_chain(layers, ConvBackend::kWinograd, x, p, weight.to(torch::kFloat32));
  EXPECT_LT(relative(got.output, want.output), 2e-4);
  EXPECT_LT(relative(got.parameter_gradient, want.parameter_gradient), 2e-4);
  EXPECT_LT(relative(got.input_gradient, want.input_gradient), 2e-4);
  const torch::NoGradGuard no_grad;
  EXPECT_EQ(test::max_difference(ConvChain(layers, ConvBackend::kWinograd).forward(x, p), got.output), 0.0);
}

std::vector<ConvLayer> layers_of(int64_t in, int64_t width, int64_t out, bool bias) {
  return {{in, width, bias, true}, {width, width, bias, true}, {width, width, bias, true}, {width, out, bias, false}};
}

TEST(ConvChain, MatchesDoublePrecision) {
  compare_backends(layers_of(3, 64, 12, false), {2, 3, 24, 20});
}
TEST(ConvChain, BiasAndGray) {
  compare_backends(layers_of(1, 64, 1, true), {1, 1, 17, 33});
}
TEST(ConvChain, OddChannelCounts) {
  compare_backends(layers_of(19, 40, 5, true), {1, 19, 16, 16});
}
TEST(ConvChain, WideLayers) {
  compare_backends(layers_of(19, 112, 27, true), {1, 19, 30, 21});
}
// Two residual blocks within a longer sum, as EDSR has them: images that are added twice.
TEST(ConvChain, Sums) {
  compare_backends({{3, 32, true, false},
                    {32, 32, true, true},
                    {32, 32, true, false, false, 1},
                    {32, 32, true, true},
                    {32, 32, true, false, false, 3},
                    {32, 32, true, true, false, 1},
                    {32, 3, true, false, false, 0}},
                   {2, 3, 21, 30});
}
TEST(ConvChain, PixelShuffle) {
  compare_backends({{3, 64, true, true, false, -1, 2}, {16, 144, false, false, false, -1, 3}, {16, 3, true, false}},
                   {2, 3, 13, 10});
  compare_backends({{3, 32, true, true}, {32, 128, true, false, false, -1, 2}}, {1, 3, 9, 14});
}
TEST(ConvChain, LearnedSlopes) {
  const std::vector<ConvLayer> layers{{3, 24, true, false, true}, {24, 24, true, false, true, 1}, {24, 5, true, false}};
  const ConvChain chain(layers, ConvBackend::kWinograd);
  const torch::Tensor parameters = torch::randn({chain.parameter_count()}) * 0.1;
  const torch::Tensor input = torch::rand({1, 3, 18, 22});
  const torch::NoGradGuard no_grad;
  const torch::Tensor want =
      ConvChain(layers, ConvBackend::kTorch).forward(input.to(torch::kFloat64), parameters.to(torch::kFloat64));
  EXPECT_LT(relative(chain.forward(input, parameters), want), 1e-4);
}
TEST(ConvChain, LayersThatDoNotFitAreRefused) {
  EXPECT_THROW(ConvChain({{3, 8}, {9, 3}}), OptionError);
  EXPECT_THROW(ConvChain({{3, 8}, {8, 8, false, false, false, 0}}), OptionError);  // 3 channels to 8
  EXPECT_THROW(ConvChain({{3, 8}, {8, 8, false, false, false, 2}}), OptionError);  // its own output
  EXPECT_THROW(ConvChain({{3, 12, false, false, false, -1, 2}}), OptionError);     // 3 channels left: no whole block
  EXPECT_THROW(ConvChain({{3, 64, false, false, false, -1, 2}, {16, 3}, {3, 3, false, false, false, 0}}), OptionError);
}
TEST(ConvChain, ImagesBelowATile) {
  compare_backends(layers_of(3, 64, 3, false), {1, 3, 2, 3});
}
TEST(ConvChain, OnePixel) {
  compare_backends(layers_of(3, 64, 3, false), {1, 3, 1, 1});
}
TEST(ConvChain, OneLayerWithReluAtTheEnd) {
  compare_backends({{3, 5, true, true}}, {3, 3, 7, 9});
}
TEST(ConvChain, ReluBehindTheLastLayer) {
  compare_backends({{3, 20, true, false}, {20, 7, true, true}}, {1, 3, 50, 41});
}

TEST(ConvChain, SameResultEveryTime) {
  const ConvChain chain(layers_of(3, 32, 3, false));
  const torch::Tensor parameters = torch::randn({chain.parameter_count()}) * 0.1;
  const torch::Tensor input = torch::rand({1, 3, 40, 44});
  const torch::Tensor first = chain.forward(input, parameters);
  chain.forward(torch::rand({1, 3, 13, 50}), parameters);  // another size in between must not disturb the buffers
  EXPECT_EQ(test::max_difference(chain.forward(input, parameters), first), 0.0);
}

TEST(ConvChain, TwoForwardsBeforeOneBackward) {
  // Activations belong to their own pass: gradients of the first must not see the second.
  const ConvChain chain(layers_of(3, 32, 3, false));
  const torch::Tensor a = torch::rand({1, 3, 16, 16});
  const torch::Tensor b = torch::rand({1, 3, 16, 16});
  const torch::Tensor p = (torch::randn({chain.parameter_count()}) * 0.1).requires_grad_(true);
  chain.forward(a, p).sum().backward();
  const torch::Tensor alone = p.grad().clone();
  p.mutable_grad().reset();
  const torch::Tensor first = chain.forward(a, p);
  const torch::Tensor second = chain.forward(b, p);
  first.sum().backward();
  EXPECT_LT(relative(p.grad(), alone), 1e-6);
  EXPECT_TRUE(second.requires_grad());
}

TEST(ConvChain, DoublePrecisionRunsOnTorch) {
  const ConvChain chain(layers_of(3, 16, 3, false));
  const torch::Tensor p = torch::randn({chain.parameter_count()}, torch::kFloat64);
  EXPECT_EQ(chain.forward(torch::rand({1, 3, 8, 8}, torch::kFloat64), p).scalar_type(), torch::kFloat64);
}

TEST(ConvChain, RefusesLayersThatDoNotFit) {
  EXPECT_THROW(ConvChain({{3, 8, false, true}, {9, 3, false, false}}), OptionError);
  EXPECT_THROW(ConvChain({{0, 8, false, true}}), OptionError);
}

}  // namespace
}  // namespace zsr
