#include "nn/planner.h"

#include <algorithm>

namespace zsr::nn {
namespace {

using Kind = PlannedLayer::Kind;
using winograd::Bend;

bool is_convolution(const PlannedLayer& layer) {
  return layer.kind == Kind::kConvolve || layer.kind == Kind::kMix || layer.kind == Kind::kFilter ||
         layer.kind == Kind::kHalve || layer.kind == Kind::kTwice;
}

std::optional<Bend> bend_of(Curve curve) {
  switch (curve) {
    case Curve::kSigmoid:
      return Bend::kSigmoid;
    case Curve::kTanh:
      return Bend::kTanh;
    case Curve::kGelu:
      return Bend::kGelu;
    case Curve::kSilu:
      return Bend::kSilu;
    default:
      return std::nullopt;
  }
}

}  // namespace

int32_t Planner::only_consumer(int32_t node) const {
  const auto& all = consumers_[static_cast<size_t>(node)];
  return !is_output(node) && all.size() == 1 ? all.front() : -1;
}

// The layer that node `index` is or begins; none where LibTorch computes it.
std::optional<PlannedLayer> Planner::begin(int32_t index) const {
  const Node& node = graph_.node(index);
  const auto* const conv = std::get_if<Convolution>(&node.operation);
  if (conv == nullptr) return begin_elementwise(index);
  const int32_t from = node.inputs[0];
  const auto kind = kind_of(*conv, graph_.node(from).channels);
  if (!kind) return std::nullopt;
  PlannedLayer layer;
  layer.kind = *kind;
  layer.from = parts_[static_cast<size_t>(from)];
  layer.channels = conv->out;
  layer.dilation = conv->dilation;
  layer.parameters.weight = node.parameters[0];
  if (conv->bias) layer.parameters.bias = node.parameters[1];
  return layer;
}

std::optional<PlannedLayer> Planner::begin_elementwise(int32_t index) const {
  const Node& node = graph_.node(index);
  const auto& inputs = node.inputs;
  if (inputs.empty() || std::none_of(inputs.begin(), inputs.end(), [&](int32_t i) { return is_blocked(i); })) {
    return std::nullopt;
  }
  if (!std::all_of(inputs.begin(), inputs.end(), [&](int32_t i) { return worth_taking(i); })) return std::nullopt;
  PlannedLayer layer;
  layer.channels = node.channels;
  layer.from = parts_[static_cast<size_t>(inputs[0])];
  const auto two = [&] { return inputs.size() == 2 && same_shape(inputs[0], inputs[1]); };
  if (std::holds_alternative<Sum>(node.operation) && two()) {
    layer.add = parts_[static_cast<size_t>(inputs[1])];
  } else if (std::holds_alternative<Product>(node.operation) && two()) {
    layer.times = parts_[static_cast<size_t>(inputs[1])];
  } else if (std::holds_alternative<Product>(node.operation) && inputs.size() == 2 &&
             graph_.node(inputs[0]).channels == graph_.node(inputs[1]).channels) {
    const bool first = one_pixel(inputs[0]);
    if (!first && !one_pixel(inputs[1])) return std::nullopt;
    layer.from = parts_[static_cast<size_t>(inputs[first ? 1 : 0])];
    layer.times = parts_[static_cast<size_t>(inputs[first ? 0 : 1])];
    layer.times_pixel = true;
  } else if (const auto* const activation = std::get_if<Activation>(&node.operation)) {
    if (!set_activation(layer, *activation, node)) return std::nullopt;
  } else if (const auto* const affine = std::get_if<Affine>(&node.operation)) {
    if (affine->shift != 0.0 && affine->factor != 1.0) return std::nullopt;
    layer.factor = affine->factor;
    if (affine->shift != 0.0) layer.shift.assign(static_cast<size_t>(node.channels), static_cast<float>(affine->shift));
  } else if (const auto* const shift = std::get_if<ChannelShift>(&node.operation)) {
    layer.shift = shift->amounts;
    layer.shift.resize(static_cast<size_t>(node.channels), 0.0F);
  } else if (const auto* const pool = std::get_if<Pool>(&node.operation)) {
    const bool mean = pool->kind == Pooling::kMean;
    if (pool->side != 0 || (!mean && pool->kind != Pooling::kDeviation)) return std::nullopt;
    layer.kind = mean ? Kind::kMean : Kind::kDeviation;
  } else if (std::holds_alternative<Concatenation>(node.operation)) {
    for (size_t i = 1; i < inputs.size(); ++i) {
      const auto& parts = parts_[static_cast<size_t>(inputs[i])];
      layer.from.insert(layer.from.end(), parts.begin(), parts.end());
    }
    if (differentiable_ && !whole_blocks(layer.from)) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return layer;
}

// What can follow the node that begins a layer.
Planner::Growing::Stage Planner::stage_after(int32_t index) const {
  const Operation& operation = graph_.node(index).operation;
  if (std::holds_alternative<Convolution>(operation)) return Growing::kWeights;
  if (std::holds_alternative<Sum>(operation)) return Growing::kActivation;
  const bool last = differentiable_ || !std::holds_alternative<Activation>(operation);
  return last ? Growing::kNothing : Growing::kProduct;
}

// Takes the next node into the layer, where that can be done.
bool Planner::take_next(Growing& growing) const {
  const int32_t next = only_consumer(growing.result);
  if (next < 0 || done_[static_cast<size_t>(next)] || growing.next == Growing::kNothing) return false;
  const Node& node = graph_.node(next);
  PlannedLayer& layer = growing.layer;
  bool taken = false;
  const bool on_weights = growing.next == Growing::kWeights && layer.shuffle == 1;
  if (const auto* const affine = std::get_if<Affine>(&node.operation)) {
    taken = on_weights && layer.parameters.norm < 0 && affine->shift == 0.0;
    if (taken) layer.parameters.gain *= affine->factor;
  } else if (const auto* const norm = std::get_if<Normalisation>(&node.operation)) {
    taken = on_weights && layer.parameters.norm < 0 && norm->kind == Norm::kBatch && !differentiable_;
    if (taken) layer.parameters.norm = next;
  } else if (std::holds_alternative<Sum>(node.operation)) {
    taken = take_sum(growing, node);
  } else if (std::holds_alternative<Product>(node.operation)) {
    taken = take_product(growing, node);
  } else if (const auto* const activation = std::get_if<Activation>(&node.operation)) {
    taken = take_activation(growing, *activation, node);
  } else if (const auto* const shuffle = std::get_if<PixelShuffle>(&node.operation)) {
    taken = take_shuffle(growing, *shuffle);
  }
  if (!taken) return false;
  growing.result = next;
  done_[static_cast<size_t>(next)] = 1;
  return true;
}

bool Planner::take_sum(Growing& growing, const Node& node) const {
  if (growing.next > Growing::kSum || growing.layer.shuffle != 1 || node.inputs.size() != 2) return false;
  if (node.inputs[0] == node.inputs[1] || !same_shape(node.inputs[0], node.inputs[1])) return false;
  const int32_t other = node.inputs[0] == growing.result ? node.inputs[1] : node.inputs[0];
  if (!worth_taking(other)) return false;
  growing.layer.add = parts_[static_cast<size_t>(other)];
  growing.next = Growing::kActivation;
  return true;
}

bool Planner::take_product(Growing& growing, const Node& node) const {
  if (differentiable_ || growing.next > Growing::kProduct || growing.layer.shuffle != 1 || node.inputs.size() != 2) {
    return false;
  }
  const int32_t other = node.inputs[0] == growing.result ? node.inputs[1] : node.inputs[0];
  const bool pixel = one_pixel(other) && !one_pixel(growing.result) &&
                     graph_.node(other).channels == graph_.node(growing.result).channels;
  if (node.inputs[0] == node.inputs[1] || (!pixel && !same_shape(other, growing.result))) return false;
  if (!worth_taking(other)) return false;
  growing.layer.times = parts_[static_cast<size_t>(other)];
  growing.layer.times_pixel = pixel;
  growing.next = Growing::kNothing;
  return true;
}

// False where the layer has no such activation.
bool Planner::set_activation(PlannedLayer& layer, const Activation& activation, const Node& node) const {
  const bool behind = is_convolution(layer) || !layer.add.empty();
  if (activation.curve == Curve::kRelu) {
    layer.relu = true;
    return true;
  }
  if (activation.curve == Curve::kLeakyRelu) {
    // A gradient tells the sign of what went in by the sign of what came out.
    if (differentiable_ && activation.slope <= 0.0) return false;
    layer.leak = activation.slope;
    return true;
  }
  if (differentiable_ && behind) return false;
  if (activation.curve == Curve::kPrelu) {
    const bool one = graph_.parameters()[static_cast<size_t>(node.parameters[0])].count() == 1;
    if (layer.shuffle != 1 && !one) return false;
    layer.parameters.slope = node.parameters[0];
    return true;
  }
  const std::optional<Bend> bend = bend_of(activation.curve);
  if (bend) layer.bend = *bend;
  return bend.has_value();
}

bool Planner::take_activation(Growing& growing, const Activation& activation, const Node& node) const {
  if (growing.next > Growing::kActivation || !set_activation(growing.layer, activation, node)) return false;
  growing.next = Growing::kProduct;
  return true;
}

// Slopes of channels belong to those before the shuffle.
bool Planner::take_shuffle(Growing& growing, const PixelShuffle& shuffle) const {
  PlannedLayer& layer = growing.layer;
  const int64_t unit = shuffle.factor * shuffle.factor * winograd::kBlock;
  if (layer.kind != Kind::kConvolve || !layer.add.empty() || !layer.times.empty() || layer.shuffle != 1 ||
      layer.channels % unit != 0) {
    return false;
  }
  layer.shuffle = shuffle.factor;
  return true;
}

Plan make_plan(const Graph& graph, const std::vector<int32_t>& outputs, bool differentiable) {
  return Planner(graph, outputs, differentiable).plan();
}

}  // namespace zsr::nn
