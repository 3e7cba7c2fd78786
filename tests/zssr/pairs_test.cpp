#include "zssr/pairs.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <set>

namespace zsr::zssr {
namespace {

torch::Tensor photo(int64_t height = 40, int64_t width = 56) {
  return test::texture(3, height, width).to(torch::kFloat32);
}

TEST(PairSampler, SonIsTheDownscaledFatherAndBaseTheUpscaledSon) {
  for (const Sampling sampling : {Sampling::kAffine, Sampling::kPyramid}) {
    Options options;
    options.pairs.sampling = sampling;
    options.pairs.crop = 32;
    const Formation formation({2, 2}, std::nullopt, std::nullopt);
    const PairSampler sampler(options, formation, {{photo(), 1.0}});
    Random random(0);
    for (int i = 0; i < 5; ++i) {
      const Pairs pairs = sampler.draw(random);
      EXPECT_LT(test::max_difference(pairs.son, imresize(pairs.father, {0.5, 0.5}).clamp(0, 1)), 1e-6);
      EXPECT_LT(test::max_difference(pairs.base, imresize(pairs.son, {2, 2})), 1e-6);
      EXPECT_GE(pairs.father.min().item<float>(), 0.0F);
      EXPECT_LE(pairs.father.max().item<float>(), 1.0F);
    }
  }
}

TEST(PairSampler, PlainCropsAreCutFromThePhoto) {
  Options options = paper_options({2, 2});
  options.pairs.leave_as_is_probability = 1.0;
  options.pairs.no_interpolation_probability = 0.0;
  options.pairs.crop = 16;
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor image = photo(20, 24);
  const PairSampler sampler(options, formation, {{image, 1.0}});
  Random random(2);
  for (int i = 0; i < 10; ++i) {
    const torch::Tensor father = sampler.draw(random).father;
    double best = 1.0;
    for (int64_t y = 0; y <= 4; ++y) {
      for (int64_t x = 0; x <= 8; ++x) {
        best = std::min(best, test::max_difference(father, image.slice(2, y, y + 16).slice(3, x, x + 16)));
      }
    }
    EXPECT_LT(best, 1e-6);
  }
}

TEST(PairSampler, NoiseGoesToTheSonOnly) {
  Options options;
  options.pairs.son_noise = 0.05;
  options.pairs.crop = 32;
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor gray = torch::full({1, 3, 48, 48}, 0.5F);
  const PairSampler sampler(options, formation, {{gray, 1.0}});
  Random random(0);
  const Pairs pairs = sampler.draw(random);
  EXPECT_NEAR(pairs.son.std().item<double>(), 0.05, 0.006);
  EXPECT_LT(pairs.father.std().item<double>(), 1e-6);
}

TEST(PairSampler, WorksOnEverySmallAndThinPhoto) {
  for (const auto& [height, width] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {1, 300}, {7, 5}, {300, 2}, {17, 23}}) {
    for (const Sampling sampling : {Sampling::kAffine, Sampling::kPyramid}) {
      for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{1.5, 1.5}, Scale{1, 2}}) {
        Options options;
        options.pairs.sampling = sampling;
        const Formation formation(scale, std::nullopt, std::nullopt);
        const PairSampler sampler(options, formation, {{torch::rand({1, 3, height, width}), 1.0}});
        Random random(0);
        for (int i = 0; i < 6; ++i) {
          const Pairs pairs = sampler.draw(random);
          EXPECT_EQ(pairs.base.sizes(), pairs.father.sizes());
          EXPECT_GT(pairs.son.numel(), 0);
        }
      }
    }
  }
}

TEST(PairSampler, ShufflesColoursOfFatherAndSonAlike) {
  // Channels of constant 0.2, 0.5, 0.8: what comes out tells the order.
  const torch::Tensor image = torch::tensor({0.2F, 0.5F, 0.8F}).view({1, 3, 1, 1}).repeat({1, 1, 40, 40});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  for (const bool shuffle : {false, true}) {
    Options options;
    options.pairs.shuffle_channels = shuffle;
    options.pairs.crop = 16;
    const PairSampler sampler(options, formation, {{image, 1.0}});
    Random random(1);
    std::set<std::vector<int>> orders;
    for (int i = 0; i < 60; ++i) {
      const Pairs pairs = sampler.draw(random);
      std::vector<int> order;
      for (int64_t c = 0; c < 3; ++c) {
        const float father = pairs.father[0][c].mean().item<float>();
        EXPECT_NEAR(pairs.son[0][c].mean().item<float>(), father, 1e-5);
        order.push_back(static_cast<int>(std::lround(father * 10.0F)));
      }
      orders.insert(order);
    }
    EXPECT_EQ(orders.size(), shuffle ? 6U : 1U);
  }
}

TEST(PairSampler, SameSeedSamePairs) {
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const Options options;
  const PairSampler sampler(options, formation, {{photo(), 1.0}});
  Random a(9);
  Random b(9);
  EXPECT_EQ(test::max_difference(sampler.draw(a).father, sampler.draw(b).father), 0.0);
}

}  // namespace
}  // namespace zsr::zssr
