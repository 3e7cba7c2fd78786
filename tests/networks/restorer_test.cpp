#include "networks/restorer.h"

#include "core/error.h"
#include "networks/enlarge.h"
#include "networks/registry.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

constexpr double kRounding = 1e-4;

const RestorerConfig kSmall{.width = 16, .blocks = 2, .scales = {1, 2, 4}};

torch::Tensor random_parameters(const Restorer& network) {
  torch::manual_seed(3);
  return 0.05 * torch::randn({network.parameter_count()});
}

torch::Tensor conv(const torch::Tensor& image, const torch::Tensor& parameters, const Restorer::Layer& layer) {
  return torch::conv2d(image, Restorer::weight(parameters, layer), Restorer::bias(parameters, layer), 1, 1);
}

// The same network spelled out with LibTorch's convolutions.
torch::Tensor reference(const Restorer& network, const torch::Tensor& input, const torch::Tensor& parameters,
                        size_t output, int64_t scale) {
  const auto& layers = network.layers();
  const torch::Tensor mean = torch::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1});
  const torch::Tensor head =
      conv(torch::cat({input.slice(1, 0, 3) - mean, input.slice(1, 3)}, 1), parameters, layers[0]);
  torch::Tensor trunk = head;
  for (size_t i = 0; i < 2; ++i) {
    trunk = trunk + conv(torch::relu(conv(trunk, parameters, layers[1 + 2 * i])), parameters, layers[2 + 2 * i]);
  }
  trunk = head + conv(trunk, parameters, layers[5]);
  const torch::Tensor nearest =
      input.slice(1, 0, 3).repeat_interleave(scale, 2).repeat_interleave(scale, 3);
  return torch::pixel_shuffle(conv(trunk, parameters, layers[6 + output]), scale) + nearest;
}

WeightsFile as_file(const Restorer& network, const torch::Tensor& parameters) {
  WeightsFile file{"made", "test", {}, {}};
  for (const Restorer::Layer& layer : network.layers()) {
    file.tensors.push_back({layer.name + ".weight", Restorer::weight(parameters, layer).clone()});
    file.tensors.push_back({layer.name + ".bias", 255.0 * Restorer::bias(parameters, layer)});
  }
  return file;
}

TEST(Restorer, EqualsItsDefinitionByPlainConvolutions) {
  const Restorer network(kSmall);
  const torch::Tensor parameters = random_parameters(network);
  const torch::Tensor input = torch::rand({2, 3 + kDamageMaps, 13, 18});
  for (size_t output = 0; output < kSmall.scales.size(); ++output) {
    const int64_t scale = kSmall.scales[output];
    const torch::Tensor made = network.forward(input, parameters, scale);
    const torch::Tensor expected = reference(network, input, parameters, output, scale);
    ASSERT_EQ(made.sizes(), expected.sizes());
    EXPECT_LT((made - expected).abs().max().item<double>(), kRounding) << "x" << scale;
  }
}

TEST(Restorer, HasTheParametersOfItsConvolutions) {
  // Head 7 -> 16, five convolutions 16 -> 16, outputs of 3, 12 and 48 channels.
  const int64_t expected = 16 * (7 * 9 + 1) + 5 * 16 * (16 * 9 + 1) + (3 + 12 + 48) * (16 * 9 + 1);
  EXPECT_EQ(Restorer(kSmall).parameter_count(), expected);
}

TEST(Restorer, GradientsAgreeWithPlainConvolutions) {
  const Restorer network(kSmall);
  const torch::Tensor input = torch::rand({1, 3 + kDamageMaps, 12, 12});
  torch::Tensor fast = random_parameters(network).set_requires_grad(true);
  torch::Tensor plain = random_parameters(network).set_requires_grad(true);
  network.forward(input, fast, 2).square().mean().backward();
  reference(network, input, plain, 1, 2).square().mean().backward();
  const double scale = plain.grad().abs().max().item<double>();
  EXPECT_LT((fast.grad() - plain.grad()).abs().max().item<double>(), 1e-3 * scale);
  EXPECT_EQ(Restorer::weight(fast.grad(), network.layers().back()).abs().max().item<double>(), 0.0)
      << "the output of x4 took part in x2";
}

TEST(Restorer, FilesAreRecognisedAndRunAsTrained) {
  const Restorer network(kSmall);
  const torch::Tensor parameters = random_parameters(network);
  const WeightsFile file = as_file(network, parameters);
  const Kind* const kind = recognise(file);
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->name, "restorer");
  const auto built = kind->build(file);
  EXPECT_EQ(built->traits().scales, kSmall.scales);
  const torch::Tensor image = torch::rand({1, 3, 20, 17});
  const Damage damage{.noise = 12.0, .jpeg_quality = 40.0};
  const torch::Tensor maps = torch::tensor(damage_maps(damage)).view({1, kDamageMaps, 1, 1}).expand({1, -1, 20, 17});
  const torch::Tensor expected = network.forward(torch::cat({image, maps}, 1), parameters, 4);
  const torch::Tensor made = built->forward({.image = image, .scale = 4, .damage = damage});
  EXPECT_LT((made - expected).abs().max().item<double>(), 1e-5);
  const torch::Tensor unknown = built->forward({.image = image, .scale = 4});
  EXPECT_GT((made - unknown).abs().max().item<double>(), 1e-3) << "what is known of the damage has no effect";
}

TEST(Restorer, TilesDoNotChangeTheResult) {
  const Restorer network(kSmall);
  const WeightsFile file = as_file(network, random_parameters(network));
  const auto built = recognise(file)->build(file);
  const torch::Tensor photo = torch::rand({1, 3, 50, 70});
  Options whole;
  whole.tile = 0;
  Options tiles;
  tiles.tile = 16;
  const torch::Tensor difference = run(photo, *built, whole).image - run(photo, *built, tiles).image;
  EXPECT_LT(difference.abs().max().item<double>(), kRounding);
}

TEST(Restorer, AnUnknownScaleIsRefused) {
  const Restorer network(kSmall);
  const torch::Tensor input = torch::rand({1, 3 + kDamageMaps, 8, 8});
  EXPECT_THROW(network.forward(input, random_parameters(network), 3), OptionError);
}

}  // namespace
}  // namespace zsr::networks
