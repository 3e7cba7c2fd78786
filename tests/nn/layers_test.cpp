#include "nn/kernels/blocked/layers.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::blocked {
namespace {

// Every instruction set that this processor runs, against LibTorch in double precision.
class LayersTest : public testing::TestWithParam<const winograd::Kernels* (*)()> {
 protected:
  void SetUp() override {
    const winograd::Kernels* const kernels = GetParam()();
    if (kernels == nullptr) GTEST_SKIP() << "this processor does not have the instructions";
    layers_ = std::make_unique<Layers>(*kernels);
    torch::manual_seed(6);
  }
  static torch::Tensor draw(std::vector<int64_t> shape, double size = 1.0) {
    return (torch::randn(shape) * size).to(torch::kFloat64).requires_grad_(true);
  }
  Image blocked(const torch::Tensor& x) { return layers_->from_plain(x.detach().to(torch::kFloat32)); }
  static torch::Tensor single(const torch::Tensor& x) { return x.detach().to(torch::kFloat32); }
  static void expect_near(const torch::Tensor& got, const torch::Tensor& want) {
    ASSERT_EQ(got.sizes(), want.sizes());
    EXPECT_LT((got - want).abs().max().item<double>(), 2e-5 * (1e-3 + want.abs().max().item<double>()));
  }
  static void expect_near(const Image& got, const torch::Tensor& want) {
    expect_near(Layers::to_plain(got), want);
    // Nothing may be written into the zeros around the pixels.
    Image again = got;
    again.data = got.data.clone();
    torch::Tensor pixels = Layers::to_plain(again);
    const torch::Tensor all =
        again.data.view({got.shape.batch, -1, got.shape.padded_height(), got.shape.padded_width(), winograd::kBlock});
    all.slice(2, 1, 1 + got.shape.height).slice(3, 1, 1 + got.shape.width).zero_();
    EXPECT_EQ(all.abs().max().item<float>(), 0.0F);
  }
  std::unique_ptr<Layers> layers_;
};

TEST_P(LayersTest, MixAndItsGradients) {
  // Channels below, at and above whole blocks; two sources.
  for (const int64_t out : {5, 16, 40, 64, 83}) {
    const torch::Tensor a = draw({2, 25, 5, 23});
    const torch::Tensor b = draw({2, 48, 5, 23});
    const torch::Tensor weight = draw({out, 73, 1, 1}, 0.1);
    const torch::Tensor bias = draw({out});
    const torch::Tensor gradient = draw({2, out, 5, 23});
    const torch::Tensor want = torch::conv2d(torch::cat({a, b}, 1), weight, bias);
    (want * gradient).sum().backward();
    const std::vector<Image> from{blocked(a), blocked(b)};
    expect_near(layers_->mix(from, single(weight), {.bias = single(bias)}), want);
    const Image g = blocked(gradient);
    expect_near(layers_->mix_gradient(from, g), weight.grad());
    expect_near(layers_->sums(g), bias.grad());
    const torch::Tensor second = single(weight).narrow(1, 25, 48);
    expect_near(layers_->mix_back(g, second, {}, layers_->pool().take(from[1].shape)), b.grad());
  }
}

TEST_P(LayersTest, PairsOfPixelsBecomeOneAndBack) {
  // Odd sides, whose last pixels have no partner; channels of two sources, not in whole blocks.
  for (const int64_t out : {5, 16, 40, 83}) {
    const torch::Tensor a = draw({2, 25, 7, 29});
    const torch::Tensor b = draw({2, 20, 7, 29});
    const std::vector<Image> from{blocked(a), blocked(b)};
    const torch::Tensor both = torch::cat({a, b}, 1);
    const torch::Tensor bias = draw({out});
    const torch::Tensor less = draw({out, 45, 2, 2}, 0.1);
    const torch::Tensor other = draw({2, out, 3, 14});
    const Finish finish{.bias = single(bias), .add = blocked(other), .relu = true};
    expect_near(layers_->halve(from, single(less), finish), torch::relu(torch::conv2d(both, less, bias, 2) + other));
    const torch::Tensor more = draw({45, out, 2, 2}, 0.1);
    const torch::Tensor wider = draw({2, out, 14, 58});
    expect_near(layers_->twice(from, single(more), {.add = blocked(wider), .bend = Bend::kTanh}),
                torch::tanh(torch::conv_transpose2d(both, more, {}, 2) + wider));
  }
}

TEST_P(LayersTest, FilterAndItsGradients) {
  struct Case {
    int64_t side, dilation, height, width;
  };
  for (const Case& c : {Case{1, 1, 4, 9}, Case{3, 1, 7, 30}, Case{5, 1, 9, 26}, Case{3, 3, 9, 31}, Case{7, 2, 5, 6}}) {
    const torch::Tensor x = draw({2, 21, c.height, c.width});
    const torch::Tensor weight = draw({21, 1, c.side, c.side}, 0.3);
    const torch::Tensor gradient = draw({2, 21, c.height, c.width});
    const int64_t padding = c.side / 2 * c.dilation;
    const torch::Tensor want = torch::conv2d(x, weight, {}, 1, padding, c.dilation, 21);
    (want * gradient).sum().backward();
    const Image from = blocked(x);
    const Image g = blocked(gradient);
    expect_near(layers_->filter(from, single(weight), c.dilation, {}), want);
    expect_near(layers_->filter_gradient(from, g, c.side, c.dilation), weight.grad());
    expect_near(layers_->filter_back(g, single(weight), c.dilation, {}, layers_->pool().take(from.shape)), x.grad());
  }
}

TEST_P(LayersTest, ConvolutionOfSeveralImages) {
  const torch::Tensor a = draw({2, 32, 9, 10});
  const torch::Tensor b = draw({2, 7, 9, 10});
  const torch::Tensor weight = draw({20, 39, 3, 3}, 0.1);
  const torch::Tensor gradient = draw({2, 20, 9, 10});
  const torch::Tensor want = torch::conv2d(torch::cat({a, b}, 1), weight, {}, 1, 1);
  (want * gradient).sum().backward();
  const std::vector<Image> from{blocked(a), blocked(b)};
  expect_near(layers_->convolve(from, single(weight), {}), want);
  // Not in whole blocks.
  const torch::Tensor turned = torch::cat({single(weight).narrow(1, 32, 7), single(weight).narrow(1, 0, 32)}, 1);
  expect_near(layers_->convolve({from[1], from[0]}, turned, {}), want);
  expect_near(layers_->convolve_gradient(from, blocked(gradient)), weight.grad());
}

TEST_P(LayersTest, PartsOfAnImageAreImages) {
  const torch::Tensor x = draw({2, 48, 6, 9});
  const Image whole = blocked(x);
  const Image part = whole.channels(16, 32);
  expect_near(Layers::to_plain(part), x.narrow(1, 16, 32));
  const torch::Tensor weight = draw({12, 32, 1, 1});
  expect_near(layers_->mix({part}, single(weight), {}), torch::conv2d(x.narrow(1, 16, 32), weight));
  const torch::Tensor filters = draw({32, 1, 3, 3});
  expect_near(layers_->filter(part, single(filters), 1, {.add = part}),
              torch::conv2d(x.narrow(1, 16, 32), filters, {}, 1, 1, 1, 32) + x.narrow(1, 16, 32));
  // Into a part, onto what is there.
  layers_->mix_back(blocked(draw({2, 32, 6, 9})), single(draw({32, 32, 1, 1})), {.add = part}, part);
  expect_near(Layers::to_plain(whole.channels(0, 16)), x.narrow(1, 0, 16));
}

TEST_P(LayersTest, Epilogue) {
  const torch::Tensor x = draw({2, 37, 6, 19});
  const torch::Tensor other = draw({2, 20, 6, 19});
  const torch::Tensor mix = draw({20, 37, 1, 1}, 0.4);
  const torch::Tensor conv = draw({20, 37, 3, 3}, 0.1);
  const torch::Tensor slope = draw({20});
  const torch::Tensor gain = draw({2, 20});
  const Finish finish{.bias = single(slope),
                      .add = blocked(other),
                      .slope = single(slope),
                      .bend = Bend::kSigmoid,
                      .times = blocked(other),
                      .gain = single(gain)};
  const auto want = [&](const torch::Tensor& y) {
    const torch::Tensor sum = y + slope.view({1, -1, 1, 1}) + other;
    return torch::sigmoid(torch::prelu(sum, slope)) * other * gain.view({2, -1, 1, 1});
  };
  expect_near(layers_->mix({blocked(x)}, single(mix), finish), want(torch::conv2d(x, mix)));
  expect_near(layers_->convolve({blocked(x)}, single(conv), finish), want(torch::conv2d(x, conv, {}, 1, 1)));
  expect_near(layers_->finish({blocked(other)}, finish), want(other));
  expect_near(layers_->finish({blocked(x).channels(0, 16), blocked(other)}, {.gain = single(draw({36})) * 0.0 + 2.0}),
              2.0 * torch::cat({x.narrow(1, 0, 16), other}, 1));
  expect_near(layers_->one({blocked(other), blocked(x)}), torch::cat({other, x}, 1));
}

TEST_P(LayersTest, FunctionsAndTheirGradients) {
  using Function = torch::Tensor (*)(const torch::Tensor&);
  const std::vector<std::pair<Bend, Function>> all{
      {Bend::kSigmoid, [](const torch::Tensor& x) { return torch::sigmoid(x); }},
      {Bend::kTanh, [](const torch::Tensor& x) { return torch::tanh(x); }},
      {Bend::kGelu, [](const torch::Tensor& x) { return torch::gelu(x); }},
      {Bend::kSilu, [](const torch::Tensor& x) { return torch::silu(x); }}};
  for (const auto& [bend, function] : all) {
    for (const double size : {1e-3, 1.0, 8.0, 60.0}) {
      const torch::Tensor x = draw({1, 18, 4, 40}, size);
      const torch::Tensor gradient = draw({1, 18, 4, 40});
      const torch::Tensor want = function(x);
      (want * gradient).sum().backward();
      expect_near(layers_->finish({blocked(x)}, {.bend = bend}), want);
      expect_near(layers_->bend_back(blocked(x), blocked(gradient), bend, {}), x.grad());
    }
  }
  const torch::Tensor x = draw({2, 18, 4, 5});
  const torch::Tensor slope = draw({18});
  const torch::Tensor want = torch::prelu(x, slope);
  want.sum().backward();
  expect_near(layers_->bend_back(blocked(x), blocked(torch::ones_like(x)), Bend::kNone, single(slope)), x.grad());
}

TEST_P(LayersTest, Pools) {
  const torch::Tensor x = draw({2, 37, 11, 13}) + 3.0;
  const std::vector<Image> from{blocked(x).channels(0, 16), blocked(x).channels(16, 21)};
  const torch::Tensor mean = x.mean({2, 3}, true);
  expect_near(layers_->mean(from), mean);
  expect_near(layers_->mean(from).pixel(), mean.view({2, 37}));
  expect_near(layers_->deviation(from), (x - mean).square().mean({2, 3}, true).sqrt());
  expect_near(layers_->sums_each(blocked(x), blocked(x)), x.square().sum({2, 3}));
}

INSTANTIATE_TEST_SUITE_P(All, LayersTest,
                         testing::Values(winograd::avx512_kernels, winograd::avx2_kernels, winograd::portable_kernels));

}  // namespace
}  // namespace zsr::blocked
