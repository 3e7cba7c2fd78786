#pragma once

#include "networks/placed.h"
#include "networks/registry.h"
#include "nn/model.h"

#include <torch/types.h>

namespace zsr::networks {

/// A graph with the values that a weights file has for it.
struct LoadedGraph {
  Config config;
  nn::Graph graph;
  torch::Tensor parameters;  ///< Flat float32.
};

/// Throws InputError with the first differences where `weights` do not fit, and where they hold no such network.
LoadedGraph load_graph(const Kind& kind, const WeightsFile& weights);

/// The kind's traits with what the loaded network adds: channels, scales, reach.
/// Memory for each pixel of an input whose sides are multiples of `unit`.
double pixel_bytes(const nn::Graph& graph, int64_t unit, int64_t scale);
Traits traits_of(const Kind& kind, const LoadedGraph& loaded);

/// A trained network that is its graph and its values.
class GraphNetwork : public Network {
 public:
  /// Throws InputError as load_graph.
  GraphNetwork(const Kind& kind, const WeightsFile& weights) : GraphNetwork(kind, load_graph(kind, weights)) {}
  torch::Tensor forward(const Input& input) const override;

 private:
  GraphNetwork(const Kind& kind, LoadedGraph loaded);

  nn::Model model_;
  Placed parameters_;
};

}  // namespace zsr::networks
