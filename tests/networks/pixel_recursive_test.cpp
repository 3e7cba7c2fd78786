// A network that draws its result pixel by pixel.
#include "networks/pixel_recursive.h"

#include "core/error.h"
#include "core/random.h"
#include "networks/graph_network.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "tests/golden/golden.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::networks {
namespace {

WeightsFile drawn_recursive() {
  const Kind& kind = *find_kind("pixelrecursive");
  const Config config = kind.configured(2, {{"width", 8}, {"depth", 2}, {"hidden", 16}, {"inner", 8}, {"blocks", 1}});
  const nn::Graph graph = kind.graph(config);
  Random random(4);
  torch::manual_seed(4);
  const torch::Tensor values = nn::initial_values(graph, random);
  WeightsFile file = nn::to_weights(graph, values + 0.05 * torch::randn_like(values).abs());
  file.origin = "drawn";
  file.metadata = config.to_metadata(kind.name);
  return file;
}

torch::Tensor logits_of(const WeightsFile& file, const torch::Tensor& lr, const torch::Tensor& hr) {
  const torch::NoGradGuard no_grad;
  const LoadedGraph loaded = load_graph(*find_kind("pixelrecursive"), file);
  return nn::Model(loaded.graph).forward({recursive_input(lr, hr)}, loaded.parameters);
}

TEST(PixelRecursive, LogitsAreThoseOfNumPy) {
  test::expect_golden_family("pixelrecursive", [](const WeightsFile& weights, const auto&, const nlohmann::json& run) {
    EXPECT_EQ(recognise(weights), find_kind("pixelrecursive"));
    return logits_of(weights, test::golden_tensor(run.at("image")), test::golden_tensor(run.at("hr")));
  });
}

TEST(PixelRecursive, PixelsFollowFromThoseBeforeThemOnly) {
  const WeightsFile file = drawn_recursive();
  const torch::Tensor lr = torch::rand({1, 3, 5, 6});
  const torch::Tensor hr = torch::rand({1, 3, 10, 12});
  torch::Tensor changed = hr.clone();
  constexpr int64_t kRow = 4;
  constexpr int64_t kColumn = 5;
  changed.select(2, kRow).select(2, kColumn).add_(0.3);
  const torch::Tensor difference =
      (LevelLogits(logits_of(file, lr, hr)).both - LevelLogits(logits_of(file, lr, changed)).both).abs().amax(1)[0];
  EXPECT_EQ(difference.slice(0, 0, kRow).max().item<double>(), 0.0);
  EXPECT_EQ(difference[kRow].slice(0, 0, kColumn + 1).max().item<double>(), 0.0);
  EXPECT_GT(difference[kRow][kColumn + 1].item<double>(), 0.0);
  EXPECT_GT(difference[kRow + 1].max().item<double>(), 0.0);
}

TEST(PixelRecursive, ASeedDecidesWhatIsDrawn) {
  const auto network = find_kind("pixelrecursive")->build(drawn_recursive());
  Input input{torch::rand({1, 3, 3, 4}), 2};
  input.seed = 7;
  const torch::Tensor first = network->forward(input);
  EXPECT_EQ(first.sizes(), (std::vector<int64_t>{1, 3, 6, 8}));
  EXPECT_TRUE(torch::equal(network->forward(input), first));
  const torch::Tensor levels = first * (kColorLevels - 1);
  EXPECT_LT((levels - levels.round()).abs().max().item<double>(), 1e-4);
  input.seed = 8;
  EXPECT_FALSE(torch::equal(network->forward(input), first));
}

// All weights of the last layers are zero: the last biases alone decide, red half 10 and half 200, green 30, blue 255.
TEST(PixelRecursive, LevelsAreDrawnAsOftenAsTheyAreLikely) {
  WeightsFile file = drawn_recursive();
  for (NamedTensor& entry : file.tensors) {
    if (entry.name.starts_with("conditioning.conv.") || entry.name.starts_with("prior.conv3.")) entry.tensor.zero_();
    if (entry.name != "conditioning.conv.bias") continue;
    for (const int64_t level : {10, 200, 256 + 30, 512 + 255}) entry.tensor[level] = 60.0;
  }
  const auto network = find_kind("pixelrecursive")->build(file);
  Input input{torch::rand({1, 3, 8, 8}), 2};
  const torch::Tensor levels = (network->forward(input) * 255.0).round();
  EXPECT_TRUE((levels.select(1, 1) == 30.0).all().item<bool>());
  EXPECT_TRUE((levels.select(1, 2) == 255.0).all().item<bool>());
  const torch::Tensor red = levels.select(1, 0);
  EXPECT_TRUE(((red == 10.0) | (red == 200.0)).all().item<bool>());
  const double share = (red == 10.0).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(share, 0.5, 4.0 * std::sqrt(0.25 / 256.0));
}

TEST(PixelRecursive, LikelihoodsOfKnownDistributions) {
  const torch::Tensor hr = torch::randint(256, {2, 3, 4, 5}).to(torch::kFloat32) / 255.0;
  EXPECT_NEAR(level_entropy(torch::zeros({2, 3 * 256, 4, 5}), hr).item<double>(), std::log(256.0), 1e-5);
  // The true level 100 times as likely as any other: 100 / 355.
  const torch::Tensor levels = (hr * 255.0).round().to(torch::kInt64).unsqueeze(2);
  const torch::Tensor logits = torch::zeros({2, 3, 256, 4, 5}).scatter(2, levels, std::log(100.0)).flatten(1, 2);
  EXPECT_NEAR(level_entropy(logits, hr).item<double>(), std::log(355.0 / 100.0), 1e-5);
}

TEST(PixelRecursive, LargePhotosAreRefused) {
  const auto network = find_kind("pixelrecursive")->build(drawn_recursive());
  EXPECT_THROW(network->forward({torch::rand({1, 3, 33, 32}), 2}), OptionError);
  EXPECT_THROW(recursive_input(torch::rand({1, 3, 4, 4}), torch::rand({1, 3, 8, 9})), OptionError);
}

}  // namespace
}  // namespace zsr::networks
