#include "networks/registry.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// The published networks, but for the largest, on the fast layers against LibTorch in double precision: layers of real
// widths, and every concatenation and slice that there is.
TEST(Networks, FastLayersGiveWhatLibTorchGives) {
  constexpr int64_t kMostParameters = 2'000'000;
  for (const Kind& kind : kinds()) {
    const bool photo_alone = kind.traits.condition == Condition::kNone;
    if (!photo_alone || kind.special != nullptr) continue;
    // Colours from 0 to 255 and drawn weights would put sigmoids where they are steps, which magnify any rounding.
    std::map<std::string, double> chosen;
    for (const Field& field : kind.fields) {
      if (field.name == "color_range") chosen[field.name] = 1.0;
      if (field.name == "mean") chosen[field.name] = 0.0;
    }
    const nn::Model model(kind.graph(kind.configured(kind.trainable_scales.front(), chosen)));
    if (model.parameter_count() > kMostParameters) continue;
    Random random(3);
    const torch::Tensor parameters = nn::initial_values(model.graph(), random);
    torch::manual_seed(1);
    const torch::Tensor input = torch::rand({1, model.graph().nodes().front().channels, 48, 64});
    const int64_t scale = model.graph().scales().front();
    const torch::NoGradGuard no_grad;
    const torch::Tensor want = model.forward({input.to(torch::kFloat64)}, parameters.to(torch::kFloat64), scale);
    const torch::Tensor got = model.forward({input}, parameters, scale);
    EXPECT_LT((got - want).abs().max().item<double>(), 1e-4 * want.abs().max().item<double>()) << kind.name;
  }
}

// The authors name the enlarging convolutions by their scale only where there are several.
TEST(Carn, OfOneScaleHasItsOwnNames) {
  const Kind& kind = *find_kind("carn");
  for (const int64_t scale : {2, 3, 4}) {
    Config config = kind.configured(scale, {{"width", 16}});
    config.scales = {scale};
    const nn::Graph graph = kind.graph(config);
    Random random(scale);
    const torch::Tensor values = nn::initial_values(graph, random);
    WeightsFile several = nn::to_weights(graph, values);
    WeightsFile one = several;
    const std::string prefix = "upsample.up" + std::to_string(scale) + ".";
    for (NamedTensor& entry : one.tensors) {
      if (entry.name.starts_with(prefix)) entry.name = "upsample.up." + entry.name.substr(prefix.size());
    }
    ASSERT_EQ(recognise(one), &kind);
    EXPECT_EQ(kind.config_of(one).scales, std::vector<int64_t>{scale});
    const Input input{torch::rand({1, 3, 9, 11}), scale};
    EXPECT_TRUE(torch::equal(kind.build(one)->forward(input), kind.build(several)->forward(input)));
  }
}

}  // namespace
}  // namespace zsr::networks
