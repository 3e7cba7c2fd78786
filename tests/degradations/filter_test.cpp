#include "degradations/filter.h"

#include "core/error.h"
#include "degradations/kernel_families.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>

namespace zsr {
namespace {

using test::max_difference;

torch::Tensor golden_image() {
  return torch::arange(30, torch::kFloat64).mul(7).remainder(23).view({1, 1, 5, 6});
}

torch::Tensor golden_weights() {
  return torch::tensor({1.0, 2.0, 0.0, 1.0, 0.0, 3.0, 1.0, 0.0, 2.0, 0.0, 1.0, 1.0}, torch::kFloat64).view({3, 4}) /
         12.0;
}

// scipy.ndimage.correlate(image, weights, mode=...) * 12 with scipy 1.10.1.
const std::map<Border, std::vector<double>>& golden() {
  static const std::map<Border, std::vector<double>> values = {
      {Border::kSymmetric, {42,  72,  135, 127, 165, 120, 171, 132, 103, 164, 156, 88,  169, 176, 147,
                            116, 131, 109, 167, 151, 168, 114, 152, 153, 135, 119, 159, 151, 120, 144}},
      {Border::kReflect, {82,  77,  142, 111, 149, 90,  112, 153, 103, 164, 156, 97,  133, 174, 147,
                          116, 131, 118, 200, 172, 168, 114, 152, 162, 138, 133, 152, 167, 67,  146}},
      {Border::kReplicate, {67,  72,  135, 127, 165, 120, 150, 132, 103, 164, 156, 88,  171, 176, 147,
                            116, 131, 109, 146, 151, 168, 114, 152, 153, 114, 119, 159, 151, 120, 144}},
      {Border::kWrap, {124, 90,  140, 155, 147, 124, 156, 122, 103, 164, 156, 87,  108, 143, 147,
                       116, 131, 131, 106, 164, 168, 114, 152, 152, 115, 104, 154, 146, 92,  161}},
      {Border::kZero, {22,  20,  100, 87, 97,  69,  63,  102, 103, 164, 156, 72,  47,  135, 147,
                       116, 131, 101, 54, 122, 168, 114, 152, 130, 25,  59,  119, 106, 47,  96}}};
  return values;
}

TEST(Correlate, EveryBorderAsScipyHasIt) {
  for (const auto& [border, values] : golden()) {
    const torch::Tensor want = torch::tensor(values, torch::kFloat64).view({1, 1, 5, 6}) / 12.0;
    EXPECT_LT(max_difference(correlate(golden_image(), golden_weights(), {}, border), want), 1e-9);
    const torch::Tensor fast = correlate(golden_image().to(torch::kFloat32), golden_weights(), {}, border);
    EXPECT_LT(max_difference(fast.to(torch::kFloat64), want), 1e-5);
  }
}

// The vector path against LibTorch's convolution in double precision, for sizes around its block lengths.
TEST(Correlate, VectorPathEqualsDoublePrecision) {
  torch::manual_seed(3);
  for (const int64_t width : {1, 15, 16, 17, 63, 64, 65, 200}) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {3, 5}, {4, 2}, {25, 25}}) {
      const torch::Tensor image = torch::rand({1, 3, 37, width}, torch::kFloat64);
      const torch::Tensor weights = torch::randn({rows, columns}, torch::kFloat64);
      for (const Border border : {Border::kSymmetric, Border::kReflect, Border::kWrap, Border::kZero}) {
        const torch::Tensor want = correlate(image, weights, {}, border);
        const torch::Tensor got = correlate(image.to(torch::kFloat32), weights, {}, border);
        EXPECT_LT(max_difference(got.to(torch::kFloat64), want), 2e-4) << rows << "x" << columns << " on " << width;
      }
    }
  }
}

TEST(Correlate, SeparableWeightsGiveTheSame) {
  torch::manual_seed(4);
  const torch::Tensor image = torch::rand({1, 1, 40, 50});
  KernelSpec spec{.size = 11, .sigma_1 = 1.7, .sigma_2 = 1.7, .offset = 0.5};
  const torch::Tensor weights = make_kernel(spec).weights();
  torch::Tensor nearly = weights.clone();
  nearly[0][0] += 1e-9;  // no longer a product, so one pass over all taps
  EXPECT_LT(max_difference(correlate(image, weights), correlate(image, nearly)), 1e-6);
}

TEST(Correlate, SamplingTakesEveryNthPixelOfTheWhole) {
  const torch::Tensor image = test::texture(3, 31, 29).to(torch::kFloat32);
  KernelSpec slanted{.size = 9, .sigma_1 = 2.0, .sigma_2 = 0.8, .angle = 0.6};
  for (const torch::Tensor& weights : {make_kernel(slanted).weights(), make_kernel({.size = 7}).weights()}) {
    const torch::Tensor whole = correlate(image, weights);
    for (const int64_t stride : {2, 3, 4}) {
      for (const int64_t offset : {0, 1}) {
        const torch::Tensor want = whole.slice(2, offset, 31, stride).slice(3, offset, 29, stride);
        const torch::Tensor got = correlate(image, weights, {stride, stride, offset, offset});
        EXPECT_LT(max_difference(got, want), 1e-6) << stride << " from " << offset;
      }
    }
  }
}

TEST(Correlate, GradientReachesImageAndWeights) {
  torch::Tensor image = test::texture(1, 9, 8).requires_grad_();
  torch::Tensor weights = torch::rand({3, 3}, torch::kFloat64).requires_grad_();
  correlate(image, weights, {2, 2}).square().sum().backward();
  const auto loss = [&](const torch::Tensor& i, const torch::Tensor& w) {
    return correlate(i.detach(), w.detach(), {2, 2}).square().sum().item<double>();
  };
  torch::Tensor moved = image.detach().clone();
  moved[0][0][4][3] += 1e-6;
  EXPECT_NEAR((loss(moved, weights) - loss(image, weights)) / 1e-6, image.grad()[0][0][4][3].item<double>(), 1e-4);
  torch::Tensor other = weights.detach().clone();
  other[1][2] += 1e-6;
  EXPECT_NEAR((loss(image, other) - loss(image, weights)) / 1e-6, weights.grad()[1][2].item<double>(), 1e-3);
}

TEST(Correlate, OffsetOutsideTheImageIsRefused) {
  EXPECT_THROW(correlate(torch::rand({1, 1, 2, 2}), torch::ones({1, 1}), {4, 4, 3, 3}), OptionError);
}

}  // namespace
}  // namespace zsr
