#pragma once

#include "nn/layer_run.h"

#include <torch/types.h>

#include <vector>

namespace zsr::nn {

/// The flat parameters in the stretches that a plan cuts; one cut, so that the gradient is put together once.
class Pieces {
 public:
  Pieces(const Graph& graph, const Plan& plan, const torch::Tensor& parameters);
  /// Of a node, in their order.
  std::vector<torch::Tensor> of(const Node& node) const;
  /// Of a layer, with its factors and its batch normalisation in them.
  LayerTensors of(const PlannedLayer& layer) const;

 private:
  torch::Tensor of(int32_t index) const;

  const Graph& graph_;
  std::vector<torch::Tensor> parts_;
  std::vector<int64_t> offsets_;
};

}  // namespace zsr::nn
