#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// J. Park's PyTorch code (twtygqyy).
std::string layer_name(int64_t index, int64_t count) {
  if (index == 0) return "input";
  return index + 1 == count ? "output" : fmt::format("residual_layer.{}.conv", index - 1);
}

// The authors' MatConvNet file: cells of filters [3, 3, in, out] and biases [out, 1], a last dimension of 1 left out.
ConvWeights from_cells(WeightsReader& reader, int64_t index, int64_t out, int64_t in) {
  std::vector<int64_t> shape{3, 3, in, out};
  if (out == 1) shape.pop_back();
  const torch::Tensor weight = reader.take(fmt::format("model.weight{{{}}}", index + 1), shape);
  const torch::Tensor bias = reader.take(fmt::format("model.bias{{{}}}", index + 1), {out, 1});
  return {weight.view({3, 3, in, out}).permute({3, 2, 0, 1}).contiguous(), bias.view({out})};
}

bool has_cells(const WeightsFile& weights) {
  return weights.find("model.weight{1}") != nullptr && weights.find("model.weight{20}") != nullptr;
}

/// VDSR (Kim, Lee and Lee, CVPR 2016): twenty convolutions find what the cubically enlarged luma lacks.
class Vdsr : public Network {
 public:
  explicit Vdsr(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "VDSR");
    const bool cells = has_cells(weights);
    const int64_t width = cells ? reader.size("model.weight{1}", 3) : reader.size("input.weight", 0);
    const int64_t count =
        cells ? reader.count("model.weight{", "}", 1) : reader.count("residual_layer.", ".conv.weight") + 2;
    for (int64_t i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      const int64_t out = last ? 1 : width;
      const int64_t in = i == 0 ? 1 : width;
      const ConvWeights conv = cells ? from_cells(reader, i, out, in) : reader.conv(layer_name(i, count), out, in, 3);
      chain_.append(conv, last ? Follow{} : Follow::relu(), last ? 0 : -1);
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
            if (has_cells(weights)) return true;
            return weights.find("input.weight") != nullptr && weights.find("residual_layer.0.conv.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Vdsr>(weights); }};
}

}  // namespace zsr::networks
