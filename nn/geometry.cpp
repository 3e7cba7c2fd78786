#include "nn/geometry.h"

#include "nn/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr::nn {
namespace {

// How far a node's receptive field reaches, and how many input pixels one of its pixels is wide.
struct Reach {
  double radius = 0.0;
  double step = 1.0;
  bool whole = false;
};

Reach widest(const Node& node, const std::vector<Reach>& before) {
  Reach reach;
  bool first = true;
  for (const int32_t index : node.inputs) {
    const Reach& own = before[static_cast<size_t>(index)];
    reach.radius = std::max(reach.radius, own.radius);
    // A pooled value beside an image is as wide as that image's pixels.
    reach.step = first ? own.step : std::min(reach.step, own.step);
    reach.whole = reach.whole || own.whole;
    first = false;
  }
  return reach;
}

Reach after(const Node& node, const std::vector<Reach>& before) {
  Reach reach = widest(node, before);
  if (const auto* const input = std::get_if<Input>(&node.operation)) reach.step = static_cast<double>(input->step);
  if (const auto* const conv = std::get_if<Convolution>(&node.operation)) {
    const auto half = static_cast<double>(conv->dilation * (conv->side - 1)) / 2.0;
    if (conv->transposed) {
      reach.step /= static_cast<double>(conv->stride);
      reach.radius +=
          std::ceil(half / static_cast<double>(conv->stride)) * reach.step * static_cast<double>(conv->stride);
      return reach;
    }
    // An even side reaches further to one side.
    reach.radius += std::ceil(half) * reach.step;
    reach.step *= static_cast<double>(conv->stride);
    reach.whole = reach.whole || conv->stride > 1;
  } else if (const auto* const pool = std::get_if<Pool>(&node.operation)) {
    reach.whole = true;
    reach.step *= static_cast<double>(std::max<int64_t>(1, pool->side == 0 ? 1 : pool->stride));
  } else if (const auto* const adaptive = std::get_if<AdaptiveMaxPool>(&node.operation)) {
    reach.whole = true;
    reach.step *= static_cast<double>(adaptive->divisor);
  } else if (std::holds_alternative<WindowAttention>(node.operation)) {
    reach.whole = true;  // windows begin at the photo's corner, and a few of them reach far
  } else if (std::holds_alternative<Learned>(node.operation)) {
    reach.step = std::numeric_limits<double>::infinity();  // as wide as any image's pixels
  } else if (const auto* const pad = std::get_if<Pad>(&node.operation)) {
    // What is added or cut at the beginning moves the rest.
    reach.radius +=
        static_cast<double>(std::max({std::abs(pad->top), std::abs(pad->left), pad->bottom, pad->right})) * reach.step;
  } else if (const auto* const shuffle = std::get_if<PixelShuffle>(&node.operation)) {
    reach.step /= static_cast<double>(shuffle->factor);
  } else if (const auto* const unshuffle = std::get_if<PixelUnshuffle>(&node.operation)) {
    reach.step *= static_cast<double>(unshuffle->factor);
    reach.radius += reach.step;
  } else if (const auto* const resize = std::get_if<Resize>(&node.operation)) {
    constexpr double kTaps[] = {0.0, 1.0, 2.0, 2.0};
    reach.radius += kTaps[static_cast<size_t>(resize->method)] * reach.step;
    if (node.inputs.size() == 1) reach.step /= static_cast<double>(resize->factor);
  } else if (const auto* const haar = std::get_if<Haar>(&node.operation)) {
    reach.step *= haar->inverse ? 0.5 : 2.0;
    reach.radius += reach.step;
  } else if (const auto* const custom = std::get_if<Custom>(&node.operation)) {
    reach.whole = reach.whole || custom->reach < 0;
    reach.radius += static_cast<double>(custom->reach) * reach.step;
  } else if (std::holds_alternative<MatrixProduct>(node.operation)) {
    reach.whole = true;
  } else if (const auto* const norm = std::get_if<Normalisation>(&node.operation)) {
    reach.whole = reach.whole || norm->kind == Norm::kInstance || norm->kind == Norm::kGroup;
  }
  return reach;
}

double multiplications(const Graph& graph, const Node& node, const std::vector<Shape>& shapes, const Shape& made) {
  const auto area = static_cast<double>(made.height * made.width);
  if (const auto* const conv = std::get_if<Convolution>(&node.operation)) {
    const Shape& in = shapes[static_cast<size_t>(node.inputs[0])];
    const auto weights = static_cast<double>(graph.parameters()[static_cast<size_t>(node.parameters[0])].count());
    return weights * (conv->transposed ? static_cast<double>(in.height * in.width) : area);
  }
  if (const auto* const attention = std::get_if<WindowAttention>(&node.operation)) {
    const auto pixels = static_cast<double>(attention->side * attention->side);
    return 2.0 * static_cast<double>(made.channels) * area * pixels;
  }
  if (std::holds_alternative<MatrixProduct>(node.operation)) {
    const Shape& in = shapes[static_cast<size_t>(node.inputs[0])];
    return static_cast<double>(made.channels) * area * static_cast<double>(in.width);
  }
  return 0.0;
}

}  // namespace

std::optional<int64_t> receptive_radius(const Graph& graph, int64_t scale) {
  const int32_t output = graph.output_at(scale);
  std::vector<Reach> reaches;
  for (int32_t i = 0; i <= output; ++i) reaches.push_back(after(graph.node(i), reaches));
  if (reaches.back().whole) return std::nullopt;
  return static_cast<int64_t>(std::ceil(reaches.back().radius));
}

int64_t side_multiple(const Graph& graph) {
  std::vector<Reach> reaches;
  double largest = 1.0;
  for (const Node& node : graph.nodes()) {
    reaches.push_back(after(node, reaches));
    const auto* const haar = std::get_if<Haar>(&node.operation);
    const bool gathers = std::holds_alternative<PixelUnshuffle>(node.operation) || (haar != nullptr && !haar->inverse);
    if (gathers) largest = std::max(largest, reaches.back().step);
  }
  return static_cast<int64_t>(std::llround(largest));
}

double pair_bytes(const Graph& graph, int64_t scale) {
  const int32_t output = graph.output_at(scale);
  std::vector<Reach> reaches;
  double most = 0.0;
  for (int32_t i = 0; i <= output; ++i) {
    const Node& node = graph.node(i);
    const auto* const custom = std::get_if<Custom>(&node.operation);
    if (custom != nullptr && custom->pair_bytes > 0.0) {
      most = std::max(most, custom->pair_bytes / std::pow(reaches[static_cast<size_t>(node.inputs[0])].step, 4.0));
    }
    reaches.push_back(after(node, reaches));
  }
  return most;
}

std::vector<Shape> shapes_for(const Graph& graph, int64_t height, int64_t width) {
  std::vector<Shape> shapes;
  for (const Node& node : graph.nodes()) {
    std::vector<Shape> inputs;
    for (const int32_t index : node.inputs) inputs.push_back(shapes[static_cast<size_t>(index)]);
    Shape made = shape_after(node.operation, inputs);
    if (const auto* const input = std::get_if<Input>(&node.operation)) {
      made = {made.channels, height / input->step, width / input->step};
    }
    shapes.push_back(made);
  }
  return shapes;
}

Cost cost_of(const Graph& graph, int64_t scale, int64_t height, int64_t width) {
  const int32_t output = graph.output_at(scale);
  const std::vector<Shape> shapes = shapes_for(graph, height, width);
  const Plan plan = make_plan(graph, output, false);
  std::vector<char> needed(graph.nodes().size(), 0);
  needed[static_cast<size_t>(output)] = 1;
  Cost cost;
  for (int32_t i = output; i >= 0; --i) {
    const auto at = static_cast<size_t>(i);
    if (!needed[at]) continue;
    for (const int32_t from : graph.node(i).inputs) needed[static_cast<size_t>(from)] = 1;
    cost.multiplications += multiplications(graph, graph.node(i), shapes, shapes[at]);
  }
  // In the blocked layout, where an image may be for a moment, channels come in sixteens.
  const auto bytes = [&](int32_t node) {
    const Shape& shape = shapes[static_cast<size_t>(node)];
    const int64_t channels = (shape.channels + winograd::kBlock - 1) / winograd::kBlock * winograd::kBlock;
    return 4.0 * static_cast<double>(channels * shape.height * shape.width);
  };
  double live = 0.0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (std::holds_alternative<Input>(graph.nodes()[i].operation)) live += bytes(static_cast<int32_t>(i));
  }
  for (const PlanStep& step : plan.steps) {
    live += bytes(step.result);
    cost.peak_bytes = std::max(cost.peak_bytes, live);
    for (const int32_t node : step.last_uses) live -= bytes(node);
  }
  return cost;
}

}  // namespace zsr::nn
