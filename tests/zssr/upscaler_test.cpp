#include "zssr/upscaler.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <vector>

namespace zsr::zssr {
namespace {

Network random_network(Options& options, int64_t channels, Scale scale) {
  options.network.width = 16;
  options.network.init_variance = options.network.last_init_variance = 1.0;  // a network that really does something
  Random random(5);
  return Network(options, channels, scale, random, torch::kCPU);
}

// A kernel of two far spikes turns some frequencies over, and with them the correction: without an end the difference
// doubles with every iteration.
TEST(Formation, BackProjectionEndsBeforeItGrows) {
  torch::Tensor spikes = torch::zeros({17, 17});
  spikes[8][0] = spikes[8][16] = 1.0;
  const Formation formation({2, 2}, BlurKernel(spikes), {});
  const torch::Tensor lr = 0.45 + 0.1 * test::random_bytes(3, 40, 44).to(torch::kFloat32);
  const torch::Tensor start = formation.up(lr, {80, 88});
  const auto miss = [&](const torch::Tensor& sr) {
    return (formation.down(sr, {40, 44}) - lr).square().mean().item<double>();
  };
  EXPECT_LE(miss(formation.back_project(start, lr, 10)), 1.05 * miss(start));
}

TEST(Formation, BackProjectsTheSameInTiles) {
  for (const Scale scale : {Scale{2, 2}, Scale{3, 3}, Scale{1.37, 2}}) {
    const Formation formation(scale, gaussian_kernel(9, 1.4, 1.4), {});
    const torch::Tensor lr = test::texture(3, 150, 131).to(torch::kFloat32);
    const torch::Tensor start = formation.up(lr, scaled_size({150, 131}, scale));
    const torch::Tensor whole = formation.back_project(start, lr, 10);
    EXPECT_GT(test::max_difference(whole, start), 0.01);
    EXPECT_LT(test::max_difference(formation.back_project_tiled(start, lr, 10, 48), whole), 1e-5) << scale.y;
    EXPECT_EQ(test::max_difference(formation.back_project_tiled(start, lr, 0, 48), start), 0.0);
  }
}

// Every kind of problem must come out the same in one piece and in tiles.
TEST(Upscaler, TiledEqualsUntiled) {
  struct Case {
    Scale scale;
    Architecture architecture;
    bool kernel;
    std::optional<Phase> phase;
    int64_t back_projection = 2;
  };
  const std::vector<Case> cases = {
      {{2, 2}, Architecture::kPixelShuffle, false, {}, 10}, {{3, 3}, Architecture::kPixelShuffle, false, {}},
      {{2, 2}, Architecture::kPreUpsampled, false, {}},     {{1.5, 1.5}, Architecture::kPreUpsampled, false, {}},
      {{1.37, 2}, Architecture::kPreUpsampled, false, {}},  {{2, 2}, Architecture::kPixelShuffle, true, {}},
      {{2, 2}, Architecture::kPixelShuffle, true, Phase{}}, {{1, 2}, Architecture::kPixelShuffle, false, {}},
  };
  for (const Case& item : cases) {
    Options options;
    options.network.architecture = item.architecture;
    const Network network = random_network(options, 3, item.scale);
    std::optional<BlurKernel> kernel;
    if (item.kernel) kernel = gaussian_kernel(9, 1.4, 1.4);
    const Formation formation(item.scale, kernel, item.phase);
    const torch::Tensor lr = test::texture(3, 150, 131).to(torch::kFloat32);
    const Size size = scaled_size({150, 131}, item.scale);
    Upscaler upscaler{.network = network, .formation = formation, .self_ensemble = formation.is_symmetric()};
    upscaler.back_projection = item.back_projection;
    upscaler.tile = 1000;
    const torch::Tensor whole = upscaler.run(lr, size);
    upscaler.tile = 48;
    int64_t tiles = 0;
    const torch::Tensor tiled = upscaler.run(lr, size, [&](int64_t, int64_t total) {
      tiles = total / upscaler.passes();
      return true;
    });
    EXPECT_EQ(tiles, 12);
    EXPECT_LT(test::max_difference(whole, tiled), 1e-5) << "scale " << item.scale.y << "x" << item.scale.x;
  }
}

TEST(Upscaler, BackProjectionMakesTheResultConsistent) {
  Options options;
  const Network network = random_network(options, 3, {2, 2});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor lr = test::texture(3, 40, 44).to(torch::kFloat32).mul(0.6).add(0.2);
  const auto error = [&](int64_t iterations) {
    const Upscaler upscaler{.network = network, .formation = formation, .back_projection = iterations};
    return (formation.down(upscaler.run(lr, {80, 88}), {40, 44}) - lr).square().mean().item<double>();
  };
  EXPECT_LT(error(10), 0.02 * error(0));
}

// Back-projecting the mean alone is the same as each pass for itself and their mean again, as long as nothing leaves
// [0, 1].
TEST(Upscaler, BackProjectsTheMeanAsItDoesEveryPass) {
  for (const Scale scale : {Scale{2, 2}, Scale{1, 2}}) {
    Options options;
    const Network network = random_network(options, 3, scale);
    const Formation formation(scale, std::nullopt, std::nullopt);
    const torch::Tensor lr = test::texture(3, 40, 44).to(torch::kFloat32).mul(0.2).add(0.4);
    const Size size = scaled_size({40, 44}, scale);
    Upscaler upscaler{
        .network = network, .formation = formation, .ensemble_rule = EnsembleRule::kMean, .back_projection = 3};
    std::vector<torch::Tensor> outputs;
    for (int64_t index = 0; index < 8; index += 8 / upscaler.passes()) {
      outputs.push_back(formation.back_project(upscaler.pass(lr, size, formation, index), lr, 3));
    }
    const torch::Tensor expected = formation.back_project(torch::stack(outputs).mean(0), lr, 3);
    ASSERT_GT(expected.min().item<float>(), 0.0F);
    ASSERT_LT(expected.max().item<float>(), 1.0F);
    EXPECT_GT(test::max_difference(expected, upscaler.pass(lr, size, formation, 0)), 0.001);
    for (const bool each : {true, false}) {
      upscaler.project_passes = each;
      EXPECT_LT(test::max_difference(upscaler.run(lr, size), expected), 1e-6) << scale.y << each;
    }
  }
}

TEST(Upscaler, ConsistencyLendsItsPassToTheRun) {
  Options options;
  const Network network = random_network(options, 3, {2, 2});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const Upscaler upscaler{.network = network, .formation = formation, .self_ensemble = false};
  const torch::Tensor lr = test::texture(3, 150, 131).to(torch::kFloat32);
  const Upscaler::Consistency seen = upscaler.consistency(lr);
  const torch::Tensor down = formation.down(upscaler.pass(lr, {300, 262}, formation, 0), {150, 131});
  const torch::Tensor miss = (down - lr).slice(2, 8, 142).slice(3, 8, 123);
  EXPECT_NEAR(seen.db, -10.0 * std::log10(miss.square().mean().item<double>()), 1e-3);
  EXPECT_EQ(test::max_difference(upscaler.run(lr, {300, 262}, {}, seen.first_pass), upscaler.run(lr, {300, 262})), 0.0);
  // It is really used, unless the photo is cut into tiles.
  const torch::Tensor other = torch::full_like(seen.first_pass, 0.5);
  EXPECT_GT(test::max_difference(upscaler.run(lr, {300, 262}, {}, other), upscaler.run(lr, {300, 262})), 0.01);
  Upscaler tiled = upscaler;
  tiled.tile = 48;
  EXPECT_EQ(test::max_difference(tiled.run(lr, {300, 262}, {}, other), tiled.run(lr, {300, 262})), 0.0);
  // A larger photo, and one cut into tiles, is looked at in four places.
  EXPECT_FALSE(tiled.consistency(lr).first_pass.defined());
  EXPECT_FALSE(upscaler.consistency(test::texture(3, 300, 280).to(torch::kFloat32)).first_pass.defined());
  EXPECT_TRUE(std::isinf(upscaler.consistency(lr.slice(2, 0, 16)).db));
}

TEST(Upscaler, ZeroNetworkIsCubicInterpolation) {
  Options options;
  Network network = random_network(options, 1, {2, 2});
  network.set_parameters(torch::zeros_like(network.parameters()));
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor lr = test::texture(1, 20, 30).to(torch::kFloat32);
  const Upscaler upscaler{.network = network, .formation = formation, .back_projection = 0};
  EXPECT_LT(test::max_difference(upscaler.run(lr, {40, 60}), imresize(lr, {2, 2}).clamp(0, 1)), 1e-6);
}

TEST(Upscaler, EnsembleOfASymmetricProblemCommutesWithTurning) {
  Options options;
  const Network network = random_network(options, 1, {2, 2});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor lr = test::texture(1, 24, 24).to(torch::kFloat32);
  const Upscaler upscaler{.network = network, .formation = formation};
  const torch::Tensor turned = torch::rot90(upscaler.run(torch::rot90(lr, 1, {2, 3}), {48, 48}), -1, {2, 3});
  EXPECT_LT(test::max_difference(turned, upscaler.run(lr, {48, 48})), 1e-5);
}

TEST(Upscaler, HurriedPassesAreLeftOutAndThePictureIsWhole) {
  Options options;
  const Network network = random_network(options, 1, {2, 2});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const torch::Tensor lr = test::texture(1, 40, 40).to(torch::kFloat32);
  const Upscaler full{.network = network, .formation = formation, .tile = 20};
  Upscaler single = full;
  single.self_ensemble = false;
  int64_t calls = 0;
  const torch::Tensor hurried = full.run(lr, {80, 80}, [&](int64_t done, int64_t total) {
    ++calls;
    EXPECT_EQ(total, 4 * 8);
    EXPECT_GE(done, calls);
    return done < 8;  // the first of four tiles has all its passes, the others one
  });
  EXPECT_EQ(calls, 8 + 3);
  const torch::Tensor whole = full.run(lr, {80, 80});
  const torch::Tensor plain = single.run(lr, {80, 80});
  EXPECT_EQ(test::max_difference(hurried.slice(2, 0, 40).slice(3, 0, 40), whole.slice(2, 0, 40).slice(3, 0, 40)), 0.0);
  EXPECT_LT(test::max_difference(hurried.slice(2, 40), plain.slice(2, 40)), 1e-6);
}

TEST(Upscaler, TilesFollowMemoryAndCoverSmallPhotos) {
  Options options;
  const Network network = random_network(options, 3, {2, 2});
  const Formation formation({2, 2}, std::nullopt, std::nullopt);
  const Upscaler upscaler{.network = network, .formation = formation};
  EXPECT_GE(upscaler.side_of_tile({100, 90}, 3), 100);
  EXPECT_LT(upscaler.side_of_tile({30000, 30000}, 3), 4000);
  EXPECT_GE(upscaler.side_of_tile({30000, 30000}, 3), 32);
}

}  // namespace
}  // namespace zsr::zssr
