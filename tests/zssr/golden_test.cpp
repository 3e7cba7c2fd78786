// ZSSR's network and its starting points against outputs that tests/golden/make.py computed in NumPy.
#include "tests/golden/golden.h"

#include "zssr/network.h"
#include "zssr/start.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::zssr {
namespace {

Network network_from(const WeightsFile& weights, int64_t channels, double scale) {
  Options options;
  options.start = std::make_shared<const Start>(Start::from_weights(weights));
  Random random(0);
  return Network(options, channels, {scale, scale}, random, torch::kCPU);
}

TEST(ZssrGolden, OwnNetwork) {
  test::expect_golden_family(
      "zssr", [](const WeightsFile& weights, const nlohmann::json& network, const nlohmann::json& settings) {
        Options options;
        options.network.width = network.at("width");
        options.network.depth = network.at("depth");
        const torch::Tensor image = test::golden_tensor(settings.at("image"));
        const Scale scale{settings.at("scale").at(0), settings.at("scale").at(1)};
        Random random(0);
        Network made(options, image.size(1), scale, random, torch::kCPU);
        std::vector<torch::Tensor> flat;
        for (const NamedTensor& entry : weights.tensors) flat.push_back(entry.tensor.view({-1}));
        made.set_parameters(torch::cat(flat));
        return made.residual(image, test::golden_tensor(settings.at("base")));
      });
}

TEST(ZssrGolden, ConditionedStart) {
  test::expect_golden_family("zssr_start", [](const WeightsFile& weights, const auto&, const nlohmann::json& settings) {
    EXPECT_TRUE(Start::is_start(weights));
    const torch::Tensor image = test::golden_tensor(settings.at("image"));
    const int64_t scale = settings.at("scale");
    const Phase phase{settings.at("phase").at(0), settings.at("phase").at(1)};
    Network network = network_from(weights, image.size(1), static_cast<double>(scale));
    network.set_condition(start_condition(test::golden_kernel(settings), settings.at("noise"), scale, phase));
    return network.residual(image, {}, settings.at("turn"));
  });
}

TEST(ZssrGolden, EdsrAsStart) {
  test::expect_golden_family("zssr_edsr", [](const WeightsFile& weights, const auto&, const nlohmann::json& settings) {
    const torch::Tensor image = test::golden_tensor(settings.at("image"));
    return network_from(weights, image.size(1), settings.at("scale"))
        .residual(image, test::golden_tensor(settings.at("base")));
  });
}

}  // namespace
}  // namespace zsr::zssr
