#pragma once

#include "nn/plan.h"

namespace zsr::nn {

/// Makes a plan: goes through the nodes in order; each begins a layer, which takes the nodes behind it as far as it
/// can.
class Planner {
 public:
  Planner(const Graph& graph, const std::vector<int32_t>& outputs, bool differentiable);
  Plan plan();

 private:
  // A layer to which nodes are added, and what can still be added.
  struct Growing {
    enum Stage { kWeights, kSum, kActivation, kProduct, kNothing };  // the first that can follow
    PlannedLayer layer;
    int32_t result = -1;
    Stage next = kWeights;
  };
  static constexpr int64_t kSide = 96;  // of the inputs for which shapes are compared

  std::optional<PlannedLayer::Kind> kind_of(const Convolution& conv, int64_t in) const;
  std::optional<PlannedLayer> begin(int32_t index) const;
  std::optional<PlannedLayer> begin_elementwise(int32_t index) const;
  Growing::Stage stage_after(int32_t index) const;
  bool take_next(Growing& growing) const;
  bool take_sum(Growing& growing, const Node& node) const;
  bool take_product(Growing& growing, const Node& node) const;
  bool take_activation(Growing& growing, const Activation& activation, const Node& node) const;
  bool take_shuffle(Growing& growing, const PixelShuffle& shuffle) const;
  bool set_activation(PlannedLayer& layer, const Activation& activation, const Node& node) const;
  int32_t only_consumer(int32_t node) const;

  bool is_only_a_name(int32_t index);
  bool reads_parts(int32_t consumer, int32_t node, bool whole) const;
  bool is_blocked(int32_t node) const;
  bool worth_taking(int32_t node) const;  // what is not reached yet, is not known
  bool is_output(int32_t node) const;
  bool one_pixel(int32_t node) const;
  bool same_shape(int32_t a, int32_t b) const;
  static bool whole_blocks(const std::vector<Part>& parts);

  const Graph& graph_;
  std::vector<int32_t> outputs_;
  bool differentiable_;
  int32_t current_ = 0;  // where the plan is
  std::vector<char> needed_;
  mutable std::vector<char> done_;
  std::vector<char> blocked_;  // has a form in the blocked layout
  std::vector<char> virtual_;
  std::vector<std::vector<Part>> parts_;
  std::vector<std::vector<int32_t>> consumers_;
  std::vector<Shape> shapes_;
};

}  // namespace zsr::nn
