#include "zssr/network.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::zssr {
namespace {

TEST(Network, PaperNetworkHasThePublishedParameterCount) {
  Random random(0);
  const Network network(paper_options({2, 2}), 3, {2, 2}, random, torch::kCPU);
  EXPECT_EQ(network.parameters().numel(), 224640);
  EXPECT_EQ(network.architecture(), Architecture::kPreUpsampled);
}

TEST(Network, ShapesForEveryArchitectureAndScale) {
  Options options;
  options.network.width = 16;
  for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{2, 4}, Scale{1.5, 1.5}}) {
    for (const int64_t channels : {1, 3}) {
      Random random(0);
      const Network network(options, channels, scale, random, torch::kCPU);
      const torch::Tensor lr = torch::rand({2, channels, 10, 12});
      const torch::Tensor base = imresize(lr, scale);
      EXPECT_EQ(network.residual(lr, base).sizes(), base.sizes());
    }
  }
}

TEST(Network, FractionalScalesArePreUpsampled) {
  EXPECT_EQ(resolve_architecture({}, {2, 2}), Architecture::kPixelShuffle);
  EXPECT_EQ(resolve_architecture({}, {2, 3}), Architecture::kPixelShuffle);
  EXPECT_EQ(resolve_architecture({}, {1.5, 2}), Architecture::kPreUpsampled);
}

TEST(Network, UnequalShuffleKeepsPixelsTogether) {
  Options options;
  options.network.width = 16;
  options.network.depth = 2;
  Random random(0);
  const Network network(options, 1, {1, 2}, random, torch::kCPU);
  const torch::Tensor lr = torch::rand({1, 1, 5, 12});
  const torch::Tensor out = network.residual(lr, imresize(lr, {1, 2}));
  ASSERT_EQ(out.sizes(), (std::vector<int64_t>{1, 1, 5, 24}));
  // Neighbouring output columns are the two channels of one LR pixel: translating the input by one LR pixel translates
  // the output by two columns.
  const torch::Tensor moved = torch::roll(lr, 1, 3);
  const torch::Tensor moved_out = network.residual(moved, imresize(moved, {1, 2}));
  EXPECT_LT(test::max_difference(moved_out.slice(3, 8, 16), out.slice(3, 6, 14)), 1e-5);
}

TEST(Network, SameSeedSameWeights) {
  Random a(derive_seed(3, "weights"));
  Random b(derive_seed(3, "weights"));
  Random c(derive_seed(4, "weights"));
  const Network first({}, 3, {2, 2}, a, torch::kCPU);
  const Network second({}, 3, {2, 2}, b, torch::kCPU);
  const Network third({}, 3, {2, 2}, c, torch::kCPU);
  EXPECT_EQ(test::max_difference(first.parameters(), second.parameters()), 0.0);
  EXPECT_GT(test::max_difference(first.parameters(), third.parameters()), 0.0);
}

TEST(Network, WeightsHaveTheAskedVariance) {
  Random random(1);
  const Network network(paper_options({2, 2}), 3, {2, 2}, random, torch::kCPU);
  const torch::Tensor hidden = network.parameters().narrow(0, 64 * 27, 64 * 64 * 9);
  EXPECT_NEAR(hidden.std().item<double>(), std::sqrt(0.1 / 576.0), 2e-4);
}

}  // namespace
}  // namespace zsr::zssr
