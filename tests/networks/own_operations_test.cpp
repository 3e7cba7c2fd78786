// Operations that a network brings along, with LibTorch's gradients.
#include "core/error.h"
#include "image/dihedral.h"
#include "inference/enlarge.h"
#include "networks/meta_upscale.h"
#include "networks/registry.h"
#include "networks/self_attention.h"
#include "nn/geometry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

namespace zsr::networks {
namespace {

bool has_own_operations(const nn::Graph& graph) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(),
                     [](const nn::Node& node) { return std::holds_alternative<nn::Custom>(node.operation); });
}

// As small as it can be. Colours to 255 would make steps of sigmoids.
nn::Graph smallest(const Kind& kind) {
  std::map<std::string, double> small;
  static const std::set<std::string> sizes{"width", "depth", "growth", "layers", "groups", "window",
                                           "side",  "inner", "low",    "wide",   "hidden", "filters"};
  for (const Field& field : kind.fields) {
    if (sizes.count(field.name) != 0) small[field.name] = field.low;
    if (field.name == "color_range") small[field.name] = 1.0;
  }
  return kind.graph(kind.configured(kind.trainable_scales.front(), small));
}

TEST(OwnOperations, GradientsOfTheirNetworksAreThoseOfFiniteDifferences) {
  constexpr double kStep = 1e-6;
  int tested = 0;
  for (const Kind& kind : kinds()) {
    const nn::Model model(smallest(kind));
    const bool image_alone = kind.traits.condition == Condition::kNone && !kind.traits.takes_kernel;
    if (!has_own_operations(model.graph()) || !image_alone) continue;
    SCOPED_TRACE(kind.name);
    ++tested;
    torch::manual_seed(7);
    Random random(3);
    torch::Tensor parameters = nn::initial_values(model.graph(), random).to(torch::kFloat64);
    parameters = parameters + 0.01 * torch::randn_like(parameters);
    for (const nn::Parameter& own : model.graph().parameters()) {
      if (!own.trained()) parameters.narrow(0, own.offset, own.count()).fill_(1.0);
    }
    parameters.requires_grad_(true);
    const int64_t side = std::max<int64_t>(16, kind.traits.least_side);
    const auto channels = static_cast<int64_t>(model.graph().node(0).channels);
    torch::Tensor input = torch::rand({1, channels, side, side}, torch::kFloat64).requires_grad_(true);
    const int64_t scale = model.graph().scales().front();
    const torch::Tensor made = model.forward({input}, parameters, scale);
    const torch::Tensor weights = torch::randn_like(made);
    (made * weights).sum().backward();
    const torch::NoGradGuard no_grad;
    for (torch::Tensor* at : {&input, &parameters}) {
      torch::Tensor direction = torch::randn_like(*at);
      if (at == &parameters) {
        for (const nn::Parameter& own : model.graph().parameters()) {
          if (!own.trained()) direction.narrow(0, own.offset, own.count()).zero_();
        }
      }
      const torch::Tensor before = at->detach().clone();
      const auto value = [&](double step) {
        at->copy_(before + step * direction);
        return (model.forward({input}, parameters, scale) * weights).sum().item<double>();
      };
      const double numeric = (value(kStep) - value(-kStep)) / (2.0 * kStep);
      at->copy_(before);
      const double exact = (at->grad() * direction).sum().item<double>();
      EXPECT_NEAR(exact, numeric, 1e-3 * std::abs(numeric) + 1e-6);
    }
  }
  EXPECT_GE(tested, 5);
}

// At whole factors each pixel of the result has one of factor^2 sets of weights, as a convolution and a pixel shuffle.
TEST(MetaUpscale, IsAConvolutionAndAPixelShuffleAtWholeFactors) {
  torch::manual_seed(2);
  constexpr int64_t kWidth = 4, kHidden = 6, kFactor = 3;
  const torch::Tensor features = torch::randn({2, kWidth, 5, 7});
  const std::vector<torch::Tensor> own{torch::randn({kHidden, 3}), torch::randn({kHidden}),
                                       torch::randn({27 * kWidth, kHidden}), torch::randn({27 * kWidth})};
  std::vector<torch::Tensor> filters;
  for (int64_t i = 0; i < kFactor; ++i) {
    for (int64_t j = 0; j < kFactor; ++j) {
      const torch::Tensor place =
          torch::tensor({1.0 / kFactor, double(i) / kFactor, double(j) / kFactor}, torch::kFloat32);
      const torch::Tensor hidden = torch::relu(torch::matmul(own[0], place) + own[1]);
      filters.push_back((torch::matmul(own[2], hidden) + own[3]).view({kWidth, 3, 3, 3}).permute({3, 0, 1, 2}));
    }
  }
  const torch::Tensor weight = torch::stack(filters, 1).flatten(0, 1);  // [3 factor^2, width, 3, 3]
  const torch::Tensor want = torch::pixel_shuffle(torch::conv2d(features, weight, {}, 1, 1), kFactor);
  const OutputGrid grid{kFactor, 5 * kFactor, 7 * kFactor, 0.0, 0.0};
  EXPECT_LT((meta_upscaled(features, own, grid) - want).abs().max().item<double>(), 1e-4);
}

// A part of the grid is what stands there in the whole.
TEST(MetaUpscale, PartsOfTheGridAreThoseOfTheWhole) {
  torch::manual_seed(3);
  const torch::Tensor features = torch::randn({1, 4, 9, 8});
  const std::vector<torch::Tensor> own{torch::randn({5, 3}), torch::randn({5}), torch::randn({108, 5}),
                                       torch::randn({108})};
  const torch::Tensor whole = meta_upscaled(features, own, {2.7, 24, 21, 0.0, 0.0});
  const torch::Tensor part = meta_upscaled(features, own, {2.7, 10, 12, -7.0, -5.0});
  EXPECT_LT((part - whole.slice(2, 7, 17).slice(3, 5, 17)).abs().max().item<double>(), 1e-4);
}

std::unique_ptr<Network> drawn_metaedsr() {
  const Kind& kind = *find_kind("metaedsr");
  const nn::Graph graph = kind.graph(kind.configured(0, {{"width", 16}, {"depth", 2}, {"hidden", 16}}));
  torch::manual_seed(5);
  Random random(4);
  torch::Tensor values = nn::initial_values(graph, random);
  values += 0.02 * torch::randn_like(values);
  return kind.build(nn::to_weights(graph, values));
}

TEST(AnyScale, TilesDoNotChangeTheResult) {
  const auto network = drawn_metaedsr();
  const torch::Tensor photo = test::texture(3, 26, 21).to(torch::kFloat32);
  for (const double scale : {2.0, 2.7}) {
    inference::Options options{.scale = {scale, scale}, .tile = 0};
    const torch::Tensor whole = inference::enlarge(photo, *network, options).image;
    EXPECT_EQ(whole.size(2), static_cast<int64_t>(std::ceil(26 * scale - 1e-9)));
    EXPECT_GT(whole.std().item<double>(), 1e-3);
    options.tile = 16;
    EXPECT_LT(test::max_difference(inference::enlarge(photo, *network, options).image, whole), 2e-4) << scale;
  }
}

// The sides are whole pixels of the result, so that both ends are alike.
TEST(AnyScale, AnEnsembleOfATurnedPhotoIsTheTurnedEnsemble) {
  const auto network = drawn_metaedsr();
  const torch::Tensor photo = test::texture(3, 20, 10).to(torch::kFloat32);
  const inference::Options options{.scale = {2.7, 2.7}, .self_ensemble = true};
  const torch::Tensor straight = inference::enlarge(photo, *network, options).image;
  const torch::Tensor turned = inference::enlarge(dihedral(photo, 2).contiguous(), *network, options).image;
  EXPECT_LT(test::max_difference(turned, inverse_dihedral(straight, 2)), 2e-4);
}

// A photo that begins in the middle of a pixel of the result, as when it is seen from its other end.
TEST(AnyScale, AConstantWeightRepeatsThePixels) {
  const torch::Tensor features = torch::arange(3, torch::kFloat32).view({1, 1, 1, 3});
  torch::Tensor bias = torch::zeros({27});
  bias.slice(0, 12, 15).fill_(1.0);  // the middle of the patch, into each colour
  const std::vector<torch::Tensor> own{torch::zeros({2, 3}), torch::zeros({2}), torch::zeros({27, 2}), bias};
  const auto row = [&](double left) {
    const torch::Tensor made = meta_upscaled(features, own, {1.5, 1, 5, 0.0, left})[0][0][0].contiguous();
    return std::vector<float>(made.data_ptr<float>(), made.data_ptr<float>() + 5);
  };
  EXPECT_EQ(row(0.0), (std::vector<float>{0, 0, 1, 2, 2}));
  EXPECT_EQ(row(0.5), (std::vector<float>{0, 0, 1, 1, 2}));  // as from the other end: 4.5 pixels in 5
}

TEST(AnyScale, UnequalFactorsAreRefused) {
  const auto network = drawn_metaedsr();
  const torch::Tensor photo = torch::rand({1, 3, 20, 20});
  EXPECT_THROW(inference::enlarge(photo, *network, {.scale = {2.5, 2.0}}), OptionError);
  EXPECT_THROW(inference::enlarge(photo, *network, {.scale = {0.5, 0.5}}), OptionError);
}

// What is trained is a graph of whole photos, what runs goes another way: patch by patch, or to any grid.
TEST(OwnOperations, WhatIsTrainedIsWhatRuns) {
  const std::map<std::string, double> small{{"width", 8}, {"depth", 1}, {"side", 12}, {"heads", 4}};
  const std::map<std::string, double> meta{{"width", 16}, {"depth", 2}, {"hidden", 8}};
  for (const auto& [name, chosen] : {std::pair("ipt", small), std::pair("metaedsr", meta)}) {
    const Kind& kind = *find_kind(name);
    const Config config = kind.configured(kind.all_scales ? 0 : 2, chosen);
    const nn::Model model(kind.graph(config));
    Random random(6);
    const torch::Tensor values = nn::initial_values(model.graph(), random);
    WeightsFile file = nn::to_weights(model.graph(), values);
    file.metadata = config.to_metadata(kind.name);
    const torch::Tensor image = torch::rand({1, 3, 17, 26});
    const torch::NoGradGuard no_grad;
    const torch::Tensor want = model.forward({image}, values, 2);
    EXPECT_LT(test::max_difference(kind.build(file)->forward({image, 2}), want), 1e-4) << name;
  }
}

// Attention of all pixels to all takes memory with the square of their number.
TEST(PairBytes, AreThoseOfTheLargestComparison) {
  const auto of = [](const char* kind, int64_t scale) {
    const Kind& own = *find_kind(kind);
    return nn::pair_bytes(own.graph(own.configured(scale, {})));
  };
  EXPECT_EQ(of("rnan", 2), 12.0);
  EXPECT_EQ(of("csnln", 2), 12.0);
  EXPECT_EQ(of("csnln", 4), 16 * 12.0);  // the second cell compares images of twice the size
  EXPECT_EQ(of("hat", 2), 0.0);
}

// The first operation of that name in the network.
nn::Custom operation_of(const char* kind, const std::string& name, const std::map<std::string, double>& chosen) {
  const Kind& own = *find_kind(kind);
  const nn::Graph graph = own.graph(own.configured(own.trainable_scales.front(), chosen));
  for (const nn::Node& node : graph.nodes()) {
    const auto* const custom = std::get_if<nn::Custom>(&node.operation);
    if (custom != nullptr && custom->name == name) return *custom;
  }
  throw std::runtime_error(name);
}

TEST(Dfsa, AConstantImageHasNoDetails) {
  const nn::Custom filter = operation_of("dfsa", "dynamic high-pass filter", {});
  const torch::Tensor image = torch::randn({2, 8, 1, 1}).expand({2, 8, 6, 7}).contiguous();
  EXPECT_LT(filter.run({image, torch::randn({2, 36, 6, 7})}, {}).abs().max().item<double>(), 1e-6);
  const torch::Tensor other = torch::randn({2, 8, 6, 7});
  EXPECT_GT(filter.run({other, torch::randn({2, 36, 6, 7})}, {}).abs().max().item<double>(), 0.1);
}

TEST(Dfsa, OneFrequencyIsTheMean) {
  const nn::Custom spectrum = operation_of("dfsa", "frequencies of channels", {{"frequencies", 1}});
  const torch::Tensor image = torch::randn({2, 8, 6, 7});
  const torch::Tensor made = spectrum.run({image}, {torch::ones({8, 1})});
  EXPECT_LT((made - image.mean({2, 3}, true)).abs().max().item<double>(), 1e-6);
}

// With one region of one pixel, every channel of unit length looks the same to all others: the mean of its head.
TEST(ChannelAttention, AWindowOfOnePixelComparesSigns) {
  nn::Graph g;
  g.output(channel_attention(g, g.input(6), "t", 1, ChannelRegion::kWindow, 1), 1);
  const nn::Model model(std::move(g));
  const torch::Tensor qkv = torch::tensor({2.0F, -3.0F, 5.0F, 7.0F, 1.0F, 4.0F}).view({1, 6, 1, 1});
  const torch::Tensor made = model.forward({qkv}, torch::zeros({1})).flatten();
  EXPECT_NEAR(made[0].item<double>(), 2.5, 1e-6);  // temperature 0: all alike
  const torch::Tensor keys = torch::tensor({2.0F, -3.0F, 5.0F, -7.0F, 1.0F, 4.0F}).view({1, 6, 1, 1});
  const torch::Tensor strong = model.forward({keys}, torch::full({1}, 50.0F)).flatten();
  EXPECT_NEAR(strong[0].item<double>(), 1.0, 1e-6);  // the key of the same sign
  EXPECT_NEAR(strong[1].item<double>(), 4.0, 1e-6);
}

}  // namespace
}  // namespace zsr::networks
