#pragma once

#include "nn/graph.h"
#include "nn/kernels/winograd/kernels.h"

#include <optional>
#include <vector>

namespace zsr::nn {

/// Channels [first, first + channels) of what a node makes.
struct Part {
  int32_t node = -1;
  int64_t first = 0;
  int64_t channels = 0;
};

/// What a layer takes from the parameters; -1 for none.
struct LayerParameters {
  int32_t weight = -1;
  int32_t bias = -1;
  double gain = 1.0;  ///< Both are multiplied by it.
  int32_t norm = -1;  ///< Node of the batch normalisation that is merged into them.
  int32_t slope = -1;
};

/// A layer in the blocked layout with all that follows it in one pass: a convolution (or nothing), bias, sum,
/// activation, product, in this order. Images that it reads may be channels of several nodes one behind another, so
/// that concatenations and slices cost nothing.
struct PlannedLayer {
  enum class Kind {
    kConvolve,
    kMix,
    kHalve,
    kTwice,
    kFilter,
    kFinish,
    kMean,
    kDeviation
  };  ///< As blocked::Layers has them.
  Kind kind = Kind::kFinish;
  std::vector<Part> from;
  int64_t channels = 0;  ///< Before the shuffle.
  int64_t dilation = 1;  ///< kFilter.
  LayerParameters parameters{};
  std::vector<float> shift{};  ///< kFinish: added to the channels.
  double factor = 1.0;         ///< kFinish: multiplied.
  std::vector<Part> add{};
  bool relu = false;
  std::optional<double> leak{};  ///< Negative values times it.
  winograd::Bend bend = winograd::Bend::kNone;
  std::vector<Part> times{};
  bool times_pixel = false;  ///< `times` is one pixel, for all.
  int64_t shuffle = 1;       ///< kConvolve.
};

/// One step of a plan: a node by LibTorch, or a layer in the blocked layout.
struct PlanStep {
  int32_t result = -1;                ///< The node whose value it makes.
  std::optional<PlannedLayer> layer;  ///< Empty: the node itself, by run_by_torch.
  std::vector<int32_t> last_uses;     ///< Nodes whose values are not needed after this step.
};

/// How to compute some nodes, the outputs. Convolutions of 3x3 and 1x1 and those of each channel by itself run in the
/// blocked layout, and so does what stands between them; everything else runs node by node, with a change of layout
/// where the two meet.
struct Plan {
  std::vector<PlanStep> steps;
  /// Nodes that no step makes, as they only name channels of others (concatenations, slices).
  std::vector<char> virtual_nodes;
  /// Lengths of the stretches into which the parameters in use cut the flat ones.
  std::vector<int64_t> cuts;
};

/// `outputs`: nodes whose values are wanted, at least one. `differentiable`: layers are divided where a gradient needs
/// what lies between, and batch normalisation stays apart.
Plan make_plan(const Graph& graph, const std::vector<int32_t>& outputs, bool differentiable);
inline Plan make_plan(const Graph& graph, int32_t output, bool differentiable) {
  return make_plan(graph, std::vector<int32_t>{output}, differentiable);
}

/// Every node by itself, for any device and type.
Plan make_node_plan(const Graph& graph, const std::vector<int32_t>& outputs);

/// The nodes whose values a step reads.
std::vector<int32_t> nodes_read(const Graph& graph, const Plan& plan, const PlanStep& step);

}  // namespace zsr::nn
