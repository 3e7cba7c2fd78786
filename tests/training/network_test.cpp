#include "srmd/network.h"

#include "core/error.h"
#include "networks/registry.h"
#include "tests/training/support.h"
#include "zssr/start.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <map>

namespace zsr::training {
namespace {

TEST(Network, WeightsGoOutAndComeBack) {
  for (const char* const name : {"edsr", "srmd", "srmd-edsr", "zssr-start"}) {
    for (const int64_t scale : {2, 3, 4}) {
      const Network network = make_network(name, scale, 3);
      const torch::Tensor values = random_values(network);
      const WeightsFile file = network.weights(values);
      Network back = make_network(name, scale, 3);
      back.load(file);
      EXPECT_LT(max_difference(back.parameters().detach(), values), 1e-6) << name;
      const torch::Tensor input = torch::rand({1, 3 + network.condition_maps(), 12, 9});
      EXPECT_EQ(network.forward(input, values).sizes(), (std::vector<int64_t>{1, 3, 12 * scale, 9 * scale}));
    }
  }
  Network edsr = make_network("edsr", 2, 3);
  EXPECT_THROW(edsr.load({"empty", "test", {}, {}}), InputError);
  EXPECT_THROW(edsr.begin_with({"empty", "test", {}, {}}), InputError);
  const Network srmd = make_network("srmd", 2, 3);
  EXPECT_THROW(edsr.begin_with(srmd.weights(srmd.parameters().detach())), InputError);
}

TEST(Network, TrainedWeightsAreThoseOfThePublishedNetworks) {
  torch::manual_seed(4);
  const Network edsr = make_network("edsr", 4, 3);
  const torch::Tensor image = torch::rand({1, 3, 20, 17});
  const WeightsFile file = edsr.weights(random_values(edsr));
  const networks::Kind* const kind = networks::recognise(file);
  ASSERT_NE(kind, nullptr);
  EXPECT_EQ(kind->name, "edsr");
  const torch::Tensor wanted = edsr.forward(image, random_values(edsr));
  EXPECT_LT(max_difference(kind->build(file)->forward({image, 4}), wanted), 1e-4 * wanted.abs().max().item<double>());

  const Network srmd = make_network("srmd", 3, 4);
  const WeightsFile srmd_file = srmd.weights(random_values(srmd));
  ASSERT_TRUE(srmd::is_srmd(srmd_file));
  const torch::Tensor maps = torch::rand({1, 19, 14, 15});
  EXPECT_LT(max_difference(srmd::Network(srmd_file).forward(maps), srmd.forward(maps, random_values(srmd))), 1e-4);
  EXPECT_NE(srmd_file.find("pca"), nullptr);

  for (const int64_t scale : {2, 3, 4}) {
    const Network conditioned = make_network("srmd-edsr", scale, 3);
    const WeightsFile conditioned_file = conditioned.weights(random_values(conditioned));
    ASSERT_TRUE(srmd::is_srmd(conditioned_file));
    const srmd::Network network(conditioned_file);
    EXPECT_EQ(network.scale(), scale);
    const torch::Tensor expected = conditioned.forward(maps, random_values(conditioned));
    EXPECT_LT(max_difference(network.forward(maps), expected), 1e-4 * expected.abs().max().item<double>());
  }

  const Network start = make_network("zssr-start", 2, 4);
  EXPECT_FALSE(srmd::is_srmd(start.weights(random_values(start))));
  EXPECT_EQ(zssr::Start::from_weights(start.weights(random_values(start))).blocks, 4);
}

// How a wide EDSR was trained is how its file runs: the residual scaling stands in the file, the width says nothing.
TEST(Network, AWideEdsrRunsAsItWasTrained) {
  const networks::Kind& kind = *networks::find_kind("edsr");
  const torch::Tensor image = torch::rand({1, 3, 9, 8});
  for (const double scaling : {1.0, 0.1}) {
    Random random(1);
    const networks::Config config = kind.configured(2, {{"width", 256}, {"depth", 2}, {"residual_scale", scaling}});
    const Network network(kind, config, random);
    const torch::Tensor values = 0.2 * random_values(network);
    const torch::Tensor wanted = network.forward(image, values);
    const torch::Tensor made = kind.build(network.weights(values))->forward({image, 2});
    EXPECT_LT(max_difference(made, wanted), 1e-4 * wanted.abs().max().item<double>()) << scaling;
    Network again(kind, config, random);
    again.begin_with(network.weights(values));
    EXPECT_LT(max_difference(again.parameters().detach(), values), 1e-6) << scaling;
  }
}

TEST(Network, EveryTrainableNetworkLearns) {
  for (const networks::Kind& kind : networks::kinds()) {
    if (!kind.trains() || kind.traits.pixel_by_pixel) continue;  // see PixelRecursive
    SCOPED_TRACE(kind.name);
    std::map<std::string, double> small;
    for (const networks::Field& field : kind.fields) {
      const auto multiple = static_cast<double>(std::max<int64_t>(1, field.multiple));
      const double least = std::ceil(std::max(field.low, 16.0) / multiple) * multiple;
      if (field.name == "width" || field.name == "growth") small[field.name] = least;
      if (field.name == "depth" || field.name == "band_width") small[field.name] = field.low;
    }
    if (kind.name == "usrnet") small = {{"width1", 8}, {"width2", 8}, {"width3", 8}, {"width4", 8}, {"iterations", 2}};
    if (kind.name == "a2001sr") small["width"] = 64;
    Random random(1);
    const int64_t scale = kind.trainable_scales.back();
    const Network network(kind, kind.configured(scale, small), random);
    const torch::Tensor input = torch::rand({1, 3 + network.condition_maps(), 24, 24});
    const torch::Tensor hr = torch::rand({1, 3, 24 * scale, 24 * scale});
    const bool by_kernel = kind.traits.condition == networks::Condition::kKernel;
    const torch::Tensor kernels = by_kernel ? torch::full({1, 1, 5, 3}, 1.0 / 15.0) : torch::Tensor();
    const torch::Tensor made = network.forward(input, network.parameters(), scale, true, kernels);
    ASSERT_EQ(made.sizes(), network.target(hr).sizes());
    (made - network.target(hr)).square().mean().backward();
    EXPECT_GT(network.parameters().grad().abs().max().item<double>(), 0.0);
    const WeightsFile file = network.weights(network.parameters().detach());
    ASSERT_NE(networks::recognise(file), nullptr);
    EXPECT_EQ(networks::recognise(file)->name, kind.name);
  }
}

TEST(Network, AnotherScaleBeginsWithWhatIsShared) {
  const Network two = make_network("edsr", 2, 3);
  Network four = make_network("edsr", 4, 3);
  const torch::Tensor values = random_values(two);
  four.begin_with(two.weights(values));
  const WeightsFile loaded = four.weights(four.parameters().detach());
  const WeightsFile from = two.weights(values);
  EXPECT_LT(max_difference(*loaded.find("body.1.body.0.weight"), *from.find("body.1.body.0.weight")), 1e-7);
  EXPECT_LT(max_difference(*loaded.find("tail.1.weight"), *from.find("tail.1.weight")), 1e-7);
  EXPECT_THROW(four.load(from), InputError);
}

// A new chain of four layers, without what its last one mixes in at random.
WeightsFile only_colors(const Network& network) {
  WeightsFile file = network.weights(network.parameters().detach());
  for (const NamedTensor& entry : file.tensors) {
    if (entry.name == "model.6.weight") entry.tensor.slice(1, 3).zero_();
  }
  return file;
}

TEST(Network, SrmdBeginsAsBilinearInterpolation) {
  torch::manual_seed(6);
  for (const int64_t scale : {2, 3, 4}) {
    Network network = make_network("srmd", scale, 4);
    network.load(only_colors(network));
    const torch::Tensor photo = torch::rand({1, 3, 9, 11});
    const torch::Tensor made = network.forward(
        torch::cat({photo, torch::rand({1, network.condition_maps(), 9, 11})}, 1), network.parameters().detach());
    const torch::Tensor expected = torch::upsample_bilinear2d(photo, {9 * scale, 11 * scale}, false);
    const auto inside = [&](const torch::Tensor& image) {
      return image.slice(2, scale, -scale).slice(3, scale, -scale);
    };
    EXPECT_LT(max_difference(inside(made), inside(expected)), 1e-5) << scale;
  }
}

// What stands before the shuffle is taken over for the sub-pixels of another scale: a slope stays that slope.
TEST(Network, AnotherScaleEnlargesAsTheOneItBeganWith) {
  Network two = make_network("srmd", 2, 4);
  two.load(only_colors(two));
  for (const int64_t scale : {3, 4}) {
    Network other = make_network("srmd", scale, 4);
    other.begin_with(only_colors(two));
    const torch::Tensor photo =
        (0.3 + 0.02 * torch::arange(12).view({1, 1, 1, 12}) + 0.01 * torch::arange(10).view({1, 1, 10, 1}))
            .expand({1, 3, 10, 12});
    const torch::Tensor made = other.forward(torch::cat({photo, torch::rand({1, other.condition_maps(), 10, 12})}, 1),
                                             other.parameters().detach());
    const torch::Tensor expected = torch::upsample_bilinear2d(photo, {10 * scale, 12 * scale}, false);
    const auto inside = [&](const torch::Tensor& image) {
      return image.slice(2, 2 * scale, -2 * scale).slice(3, 2 * scale, -2 * scale);
    };
    EXPECT_LT(max_difference(inside(made), inside(expected)), 1e-5) << scale;
  }
}

TEST(Network, ADeeperOneBeginsAsTheOneItWasMadeOf) {
  torch::manual_seed(8);
  for (const char* const name : {"edsr", "srmd", "srmd-edsr", "zssr-start"}) {
    const Network shallow = make_network(name, 2, 3);
    const torch::Tensor values = random_values(shallow);
    Network deep = make_network(name, 2, 7);
    deep.begin_with(shallow.weights(values));
    const torch::Tensor input = torch::rand({1, 3 + shallow.condition_maps(), 12, 9});
    const torch::Tensor wanted = shallow.forward(input, values);
    EXPECT_LT(max_difference(deep.forward(input, deep.parameters().detach()), wanted),
              1e-4 * wanted.abs().max().item<double>())
        << name;
    EXPECT_THROW(deep.load(shallow.weights(values)), InputError) << name;
    Network shallower = make_network(name, 2, 2);
    EXPECT_THROW(shallower.begin_with(shallow.weights(values)), InputError) << name;
  }
}

// Its condition has no effect at first: it is that EDSR.
TEST(Network, SrmdOnEdsrsTrunkBeginsAsEdsr) {
  torch::manual_seed(9);
  const Network edsr = make_network("edsr", 2, 3);
  const torch::Tensor values = random_values(edsr);
  Network conditioned = make_network("srmd-edsr", 2, 5);
  conditioned.begin_with(edsr.weights(values));
  const torch::Tensor photo = torch::rand({1, 3, 12, 9});
  const torch::Tensor maps = torch::rand({1, conditioned.condition_maps(), 12, 9});
  const torch::Tensor wanted = edsr.forward(photo, values);
  EXPECT_LT(
      max_difference(conditioned.forward(torch::cat({photo, maps}, 1), conditioned.parameters().detach()), wanted),
      1e-4 * wanted.abs().max().item<double>());
}

TEST(Network, AStartingPointBeginsWithEdsrsTrunk) {
  const Network edsr = make_network("edsr", 3, 3);
  const torch::Tensor values = random_values(edsr);
  Network start = make_network("zssr-start", 2, 3);
  start.begin_with(edsr.weights(values));
  const WeightsFile loaded = start.weights(start.parameters().detach());
  const WeightsFile from = edsr.weights(values);
  for (const char* const name : {"body.0.body.0.weight", "body.2.body.2.weight", "body.3.weight"}) {
    EXPECT_LT(max_difference(*loaded.find(name), *from.find(name)), 1e-7) << name;
  }
  const torch::Tensor head = *loaded.find("head.0.weight");
  EXPECT_LT(max_difference(head.slice(1, 0, 3), *from.find("head.0.weight")), 1e-7);
  EXPECT_EQ(head.slice(1, 3).abs().max().item<double>(), 0.0);  // its condition has no effect yet
}

}  // namespace
}  // namespace zsr::training
