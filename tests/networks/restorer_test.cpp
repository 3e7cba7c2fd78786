#include "networks/restorer.h"

#include "inference/enlarge.h"
#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

constexpr double kRounding = 1e-4;

nn::Graph small() {
  return find_kind("restorer")->graph(find_kind("restorer")->configured(0, {{"width", 16.0}, {"depth", 2.0}}));
}

WeightsFile random_file(const nn::Graph& graph) {
  torch::manual_seed(3);
  WeightsFile file = nn::to_weights(graph, 0.05 * torch::randn({graph.parameter_count()}));
  file.origin = "made";
  return file;
}

// The same network spelled out with LibTorch's convolutions.
torch::Tensor reference(const WeightsFile& file, const torch::Tensor& input, int64_t scale) {
  const auto conv = [&](const torch::Tensor& image, const std::string& name) {
    return torch::conv2d(image, *file.find(name + ".weight"), *file.find(name + ".bias") / 255.0, 1, 1);
  };
  const torch::Tensor mean = torch::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1});
  const torch::Tensor head = conv(torch::cat({input.slice(1, 0, 3) - mean, input.slice(1, 3)}, 1), "head.0");
  torch::Tensor trunk = head;
  for (const std::string block : {"body.0.body.", "body.1.body."}) {
    trunk = trunk + conv(torch::relu(conv(trunk, block + "0")), block + "2");
  }
  trunk = head + conv(trunk, "body.2");
  const torch::Tensor nearest = input.slice(1, 0, 3).repeat_interleave(scale, 2).repeat_interleave(scale, 3);
  return torch::pixel_shuffle(conv(trunk, "tail.x" + std::to_string(scale)), scale) + nearest;
}

TEST(Restorer, EqualsItsDefinitionByPlainConvolutions) {
  const WeightsFile file = random_file(small());
  const auto network = recognise(file)->build(file);
  const torch::Tensor image = torch::rand({1, 3, 13, 18});
  const Damage damage{.noise = 12.0, .jpeg_quality = 40.0};
  const torch::Tensor maps = torch::tensor(damage_maps(damage)).view({1, kDamageMaps, 1, 1}).expand({1, -1, 13, 18});
  for (const int64_t scale : {1, 2, 3, 4}) {
    const torch::Tensor made = network->forward({.image = image, .scale = scale, .damage = damage});
    const torch::Tensor expected = reference(file, torch::cat({image, maps}, 1), scale);
    ASSERT_EQ(made.sizes(), expected.sizes());
    EXPECT_LT((made - expected).abs().max().item<double>(), kRounding) << "x" << scale;
  }
}

TEST(Restorer, HasTheParametersOfItsConvolutions) {
  // Head 7 -> 16, five convolutions 16 -> 16, outputs of 3, 12, 27 and 48 channels.
  EXPECT_EQ(small().parameter_count(), 16 * (7 * 9 + 1) + 5 * 16 * (16 * 9 + 1) + (3 + 12 + 27 + 48) * (16 * 9 + 1));
}

TEST(Restorer, FilesAreRecognised) {
  const WeightsFile file = random_file(small());
  const Kind* const kind = recognise(file);
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->name, "restorer");
  const auto built = kind->build(file);
  EXPECT_EQ(built->traits().scales, (std::vector<int64_t>{1, 2, 3, 4}));
  const torch::Tensor image = torch::rand({1, 3, 20, 17});
  const torch::Tensor known =
      built->forward({.image = image, .scale = 4, .damage = {.noise = 12.0, .jpeg_quality = {}}});
  const torch::Tensor unknown = built->forward({.image = image, .scale = 4});
  EXPECT_GT((known - unknown).abs().max().item<double>(), 1e-3) << "what is known of the damage has no effect";
}

TEST(Restorer, TilesDoNotChangeTheResult) {
  const WeightsFile file = random_file(small());
  const auto built = recognise(file)->build(file);
  const torch::Tensor photo = torch::rand({1, 3, 50, 70});
  inference::Options whole;
  whole.tile = 0;
  inference::Options tiles;
  tiles.tile = 16;
  const torch::Tensor difference =
      inference::enlarge(photo, *built, whole).image - inference::enlarge(photo, *built, tiles).image;
  EXPECT_LT(difference.abs().max().item<double>(), kRounding);
}

}  // namespace
}  // namespace zsr::networks
