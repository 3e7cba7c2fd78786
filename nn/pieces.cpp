#include "nn/pieces.h"

#include <algorithm>

namespace zsr::nn {

Pieces::Pieces(const Graph& graph, const Plan& plan, const torch::Tensor& parameters)
    : graph_(graph), parts_(parameters.split_with_sizes(plan.cuts)) {
  int64_t at = 0;
  for (const int64_t length : plan.cuts) {
    offsets_.push_back(at);
    at += length;
  }
}

torch::Tensor Pieces::of(int32_t index) const {
  const Parameter& parameter = graph_.parameters()[static_cast<size_t>(index)];
  const auto found = std::lower_bound(offsets_.begin(), offsets_.end(), parameter.offset) - offsets_.begin();
  return parts_[static_cast<size_t>(found)].view(parameter.shape);
}

std::vector<torch::Tensor> Pieces::of(const Node& node) const {
  std::vector<torch::Tensor> all;
  for (const int32_t index : node.parameters) all.push_back(of(index));
  return all;
}

LayerTensors Pieces::of(const PlannedLayer& layer) const {
  const LayerParameters& names = layer.parameters;
  LayerTensors own;
  if (names.weight >= 0) own.weight = of(names.weight);
  if (names.bias >= 0) own.bias = of(names.bias);
  if (names.gain != 1.0) {
    own.weight = own.weight * names.gain;
    if (own.bias.defined()) own.bias = own.bias * names.gain;
  }
  if (names.norm >= 0) {
    const Node& node = graph_.node(names.norm);
    const std::vector<torch::Tensor> norm = of(node);
    const torch::Tensor factor = norm[0] / (norm[3] + std::get<Normalisation>(node.operation).epsilon).sqrt();
    own.weight = own.weight * factor.view({-1, 1, 1, 1});
    own.bias = (own.bias.defined() ? own.bias - norm[2] : -norm[2]) * factor + norm[1];
  }
  if (names.slope >= 0) {
    own.slope = of(names.slope);
    if (own.slope.numel() == 1) own.slope = own.slope.expand({layer.channels});
  }
  return own;
}

}  // namespace zsr::nn
