#include "networks/registry.h"
#include "nn/model.h"

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
    if (kind.trainable_scales.empty() || !photo_alone || kind.special != nullptr) continue;
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

}  // namespace
}  // namespace zsr::networks
