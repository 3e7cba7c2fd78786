#include "nn/plan.h"

#include "nn/geometry.h"
#include "nn/planner.h"

#include <algorithm>
#include <set>

namespace zsr::nn {
namespace {

using Kind = PlannedLayer::Kind;

constexpr int64_t kBlock = winograd::kBlock;
constexpr int64_t kFewChannels = 8;  // an image of fewer is not worth a change of layout for a sum

std::vector<int64_t> cuts_of(const Graph& graph, const std::vector<PlanStep>& steps) {
  std::set<int64_t> marks{0, graph.parameter_count()};
  const auto cut = [&](int32_t index) {
    if (index < 0) return;
    const Parameter& own = graph.parameters()[static_cast<size_t>(index)];
    marks.insert(own.offset);
    marks.insert(own.offset + own.count());
  };
  for (const PlanStep& step : steps) {
    if (!step.layer) {
      for (const int32_t index : graph.node(step.result).parameters) cut(index);
      continue;
    }
    const LayerParameters& own = step.layer->parameters;
    for (const int32_t index : {own.weight, own.bias, own.slope}) cut(index);
    if (own.norm < 0) continue;
    for (const int32_t index : graph.node(own.norm).parameters) cut(index);
  }
  std::vector<int64_t> lengths;
  for (auto mark = marks.begin(); std::next(mark) != marks.end(); ++mark) lengths.push_back(*std::next(mark) - *mark);
  return lengths;
}

void add_read(const Graph& graph, const Plan& plan, int32_t node, std::vector<int32_t>& nodes) {
  if (!plan.virtual_nodes[static_cast<size_t>(node)]) {
    nodes.push_back(node);
    return;
  }
  for (const int32_t input : graph.node(node).inputs) add_read(graph, plan, input, nodes);
}

void add_last_uses(const Graph& graph, Plan& plan, const std::vector<int32_t>& outputs) {
  std::set<int32_t> later(outputs.begin(), outputs.end());
  for (size_t i = plan.steps.size(); i-- > 0;) {
    for (const int32_t node : nodes_read(graph, plan, plan.steps[i])) {
      if (later.insert(node).second) plan.steps[i].last_uses.push_back(node);
    }
  }
}

}  // namespace

std::vector<int32_t> nodes_read(const Graph& graph, const Plan& plan, const PlanStep& step) {
  std::vector<int32_t> nodes;
  if (!step.layer) {
    for (const int32_t input : graph.node(step.result).inputs) add_read(graph, plan, input, nodes);
    return nodes;
  }
  for (const auto* const parts : {&step.layer->from, &step.layer->add, &step.layer->times}) {
    for (const Part& part : *parts) nodes.push_back(part.node);
  }
  return nodes;
}

Plan make_node_plan(const Graph& graph, const std::vector<int32_t>& outputs) {
  Plan plan;
  plan.virtual_nodes.assign(graph.nodes().size(), 0);
  std::vector<char> needed(graph.nodes().size(), 0);
  for (const int32_t output : outputs) needed[static_cast<size_t>(output)] = 1;
  for (int32_t i = *std::max_element(outputs.begin(), outputs.end()); i >= 0; --i) {
    if (!needed[static_cast<size_t>(i)] || std::holds_alternative<Input>(graph.node(i).operation)) continue;
    for (const int32_t input : graph.node(i).inputs) needed[static_cast<size_t>(input)] = 1;
    PlanStep step;
    step.result = i;
    plan.steps.insert(plan.steps.begin(), std::move(step));
  }
  add_last_uses(graph, plan, outputs);
  plan.cuts = cuts_of(graph, plan.steps);
  return plan;
}

Planner::Planner(const Graph& graph, const std::vector<int32_t>& outputs, bool differentiable)
    : graph_(graph), outputs_(outputs), differentiable_(differentiable) {
  const size_t count = graph.nodes().size();
  needed_.assign(count, 0);
  done_.assign(count, 0);
  blocked_.assign(count, 0);
  virtual_.assign(count, 0);
  for (size_t i = 0; i < count; ++i) {
    const auto node = static_cast<int32_t>(i);
    parts_.push_back({{node, 0, graph.node(node).channels}});
  }
  consumers_.resize(count);
  shapes_ = shapes_for(graph, kSide, kSide);
  for (const int32_t output : outputs) needed_[static_cast<size_t>(output)] = 1;
  for (int32_t i = *std::max_element(outputs.begin(), outputs.end()); i >= 0; --i) {
    if (!needed_[static_cast<size_t>(i)]) continue;
    for (const int32_t input : graph.node(i).inputs) {
      needed_[static_cast<size_t>(input)] = 1;
      consumers_[static_cast<size_t>(input)].push_back(i);
    }
  }
}

std::optional<Kind> Planner::kind_of(const Convolution& conv, int64_t in) const {
  const bool pairs = conv.side == 2 && conv.stride == 2 && conv.padding == 0 && conv.output_padding == 0 &&
                     conv.groups == 1 && conv.dilation == 1;
  // Without gradients of their own.
  if (pairs && !differentiable_) return conv.transposed ? Kind::kTwice : Kind::kHalve;
  if (conv.transposed || conv.stride != 1) return std::nullopt;
  if (conv.groups == 1 && conv.dilation == 1 && conv.side == 3 && conv.padding == 1) return Kind::kConvolve;
  if (conv.groups == 1 && conv.side == 1 && conv.padding == 0) return Kind::kMix;
  const bool keeps_size = conv.side % 2 == 1 && conv.padding == conv.side / 2 * conv.dilation;
  if (conv.groups == in && conv.groups == conv.out && keeps_size) return Kind::kFilter;
  return std::nullopt;
}

Plan Planner::plan() {
  Plan plan;
  const int32_t last = *std::max_element(outputs_.begin(), outputs_.end());
  for (int32_t i = 0; i <= last; ++i) {
    const auto at = static_cast<size_t>(i);
    current_ = i;
    if (!needed_[at] || done_[at] || std::holds_alternative<Input>(graph_.node(i).operation)) continue;
    if (is_only_a_name(i)) {
      virtual_[at] = 1;
      continue;
    }
    PlanStep step;
    step.result = i;
    if (std::optional<PlannedLayer> layer = begin(i)) {
      Growing growing{*layer, i, stage_after(i)};
      while (take_next(growing)) {
      }
      step.layer = growing.layer;
      step.result = growing.result;
      blocked_[static_cast<size_t>(step.result)] = 1;
      for (const auto* const parts : {&step.layer->from, &step.layer->add, &step.layer->times}) {
        for (const Part& part : *parts) blocked_[static_cast<size_t>(part.node)] = 1;
      }
    }
    plan.steps.push_back(std::move(step));
  }
  std::sort(plan.steps.begin(), plan.steps.end(),
            [](const PlanStep& a, const PlanStep& b) { return a.result < b.result; });
  plan.virtual_nodes = virtual_;
  add_last_uses(graph_, plan, outputs_);
  plan.cuts = cuts_of(graph_, plan.steps);
  return plan;
}

bool Planner::is_output(int32_t node) const {
  return std::find(outputs_.begin(), outputs_.end(), node) != outputs_.end();
}

bool Planner::one_pixel(int32_t node) const {
  const Shape& shape = shapes_[static_cast<size_t>(node)];
  return shape.height == 1 && shape.width == 1;
}

bool Planner::same_shape(int32_t a, int32_t b) const {
  return shapes_[static_cast<size_t>(a)] == shapes_[static_cast<size_t>(b)];
}

bool Planner::is_blocked(int32_t node) const {
  const auto& parts = parts_[static_cast<size_t>(node)];
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Part& part) { return blocked_[static_cast<size_t>(part.node)] != 0; });
}

bool Planner::worth_taking(int32_t node) const {
  const bool known = node < current_ || blocked_[static_cast<size_t>(node)] != 0;
  if (!known) return false;
  return is_blocked(node) || graph_.node(node).channels >= kFewChannels || one_pixel(node);
}

bool Planner::whole_blocks(const std::vector<Part>& parts) {
  return std::all_of(parts.begin(), parts.end() - 1, [](const Part& part) { return part.channels % kBlock == 0; });
}

// Whether a consumer reads channels of several nodes as they are.
bool Planner::reads_parts(int32_t consumer, int32_t node, bool whole) const {
  const Node& reader = graph_.node(consumer);
  if (const auto* const conv = std::get_if<Convolution>(&reader.operation)) {
    const auto kind = kind_of(*conv, graph_.node(node).channels);
    const bool any = kind == Kind::kMix || kind == Kind::kHalve || kind == Kind::kTwice;
    return any || (kind == Kind::kConvolve && whole);
  }
  if (std::holds_alternative<Concatenation>(reader.operation)) return true;
  if (!is_blocked(node)) return false;
  if (const auto* const pool = std::get_if<Pool>(&reader.operation)) {
    return pool->side == 0 && (pool->kind == Pooling::kMean || pool->kind == Pooling::kDeviation);
  }
  if (!std::holds_alternative<Product>(reader.operation) || reader.inputs.size() != 2) return false;
  return one_pixel(reader.inputs[reader.inputs[0] == node ? 1 : 0]);
}

// Concatenations and slices that need no step of their own; notes whose channels they are.
bool Planner::is_only_a_name(int32_t index) {
  const Node& node = graph_.node(index);
  auto& own = parts_[static_cast<size_t>(index)];
  if (is_output(index)) return false;
  if (const auto* const slice = std::get_if<Slice>(&node.operation)) {
    if (!is_blocked(node.inputs[0])) return false;
    std::vector<Part> found;
    int64_t at = 0;
    for (const Part& part : parts_[static_cast<size_t>(node.inputs[0])]) {
      const int64_t from = std::max(slice->from, at);
      const int64_t to = std::min(slice->to, at + part.channels);
      if (from < to) found.push_back({part.node, part.first + from - at, to - from});
      at += part.channels;
    }
    // A gradient is written by whole blocks.
    const bool in_blocks = std::all_of(found.begin(), found.end(), [&](const Part& part) {
      const bool to_the_end = part.first + part.channels == graph_.node(part.node).channels;
      return part.first % kBlock == 0 && (part.channels % kBlock == 0 || to_the_end);
    });
    if (differentiable_ && !(in_blocks && whole_blocks(found))) return false;
    own = found;
    return true;
  }
  if (!std::holds_alternative<Concatenation>(node.operation)) return false;
  std::vector<Part> all;
  for (const int32_t input : node.inputs) {
    const auto& parts = parts_[static_cast<size_t>(input)];
    all.insert(all.end(), parts.begin(), parts.end());
  }
  std::swap(own, all);
  const bool whole = whole_blocks(own);
  for (const int32_t consumer : consumers_[static_cast<size_t>(index)]) {
    if (reads_parts(consumer, index, whole)) continue;
    std::swap(own, all);
    return false;
  }
  return true;
}

}  // namespace zsr::nn
