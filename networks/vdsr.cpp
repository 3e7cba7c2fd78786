#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/torch.h>

namespace zsr::networks {
namespace {

// J. Park's PyTorch code (twtygqyy); the authors' .mat comes under the same names.
std::string layer_name(int64_t index, int64_t count) {
  if (index == 0) return "input";
  return index + 1 == count ? "output" : fmt::format("residual_layer.{}.conv", index - 1);
}

/// VDSR (Kim, Lee and Lee, CVPR 2016): twenty convolutions find what the cubically enlarged luma lacks.
class Vdsr : public Network {
 public:
  explicit Vdsr(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "VDSR");
    const int64_t width = reader.size("input.weight", 0);
    const int64_t count = reader.count("residual_layer.", ".conv.weight") + 2;
    for (int64_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      chain_.append(reader.conv(layer_name(i, count), last ? 1 : width, i == 0 ? 1 : width, 3),
                    last ? Follow{} : Follow::relu(), last ? 0 : -1);
    }
    reader.finish();
    traits_.channels = 1;
    traits_.reach = chain_.length();
    traits_.takes_enlarged = true;
  }

  torch::Tensor forward(const Input& input) const override { return chain_(input.image); }

 private:
  TrainedChain chain_;
};

}  // namespace

Kind vdsr() {
  return {"vdsr", "VDSR (Kim et al. 2016)",
          [](const WeightsFile& weights) {
            return weights.find("input.weight") != nullptr && weights.find("residual_layer.0.conv.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Vdsr>(weights); }};
}

}  // namespace zsr::networks
