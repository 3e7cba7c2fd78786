#include "nn/plan.h"

#include <algorithm>
#include <set>

namespace zsr::nn {
namespace {

// The parameters of a chain's layers, in the order in which ConvChain has them; neighbours become one stretch.
class Parts {
 public:
  explicit Parts(const Graph& graph) : graph_(graph) {}

  void add(const ChainPiece& piece, const ConvLayer& layer) {
    if (piece.norm >= 0) {
      ChainPart part;
      part.kind = ChainPart::Kind::kNormalised;
      part.piece = piece;
      parts_.push_back(part);
    } else {
      add_parameter(piece.weight, piece.gain);
      if (piece.bias >= 0) add_parameter(piece.bias, piece.gain);
    }
    if (piece.slope >= 0) {
      add_parameter(piece.slope, 1.0);
      if (parameter(piece.slope).count() == 1) parts_.back().repeat = layer.out_channels;
    } else if (piece.has_leak) {
      ChainPart part;
      part.kind = ChainPart::Kind::kConstant;
      part.count = layer.out_channels;
      part.value = piece.leak;
      parts_.push_back(part);
    }
  }

  std::vector<ChainPart> take() { return std::move(parts_); }

 private:
  const Parameter& parameter(int32_t index) const { return graph_.parameters()[static_cast<size_t>(index)]; }

  void add_parameter(int32_t index, double factor) {
    const Parameter& own = parameter(index);
    const bool single = own.role == Parameter::Role::kSlope && own.count() == 1;
    if (!parts_.empty() && !single) {
      ChainPart& last = parts_.back();
      if (last.kind == ChainPart::Kind::kRange && last.repeat == 1 && last.value == factor &&
          last.offset + last.count == own.offset) {
        last.count += own.count();
        return;
      }
    }
    ChainPart part;
    part.offset = own.offset;
    part.count = own.count();
    part.value = factor;
    parts_.push_back(part);
  }

  const Graph& graph_;
  std::vector<ChainPart> parts_;
};

// Where the steps cut the flat parameters.
std::vector<int64_t> cuts_of(const Graph& graph, const std::vector<PlanStep>& steps) {
  std::set<int64_t> marks{0, graph.parameter_count()};
  const auto cut = [&](int64_t offset, int64_t count) {
    marks.insert(offset);
    marks.insert(offset + count);
  };
  const auto cut_out = [&](int32_t index) {
    const Parameter& own = graph.parameters()[static_cast<size_t>(index)];
    cut(own.offset, own.count());
  };
  for (const PlanStep& step : steps) {
    if (!step.chain) {
      for (const int32_t index : graph.node(step.result).parameters) cut_out(index);
    }
    for (const ChainPart& part : step.parts) {
      if (part.kind == ChainPart::Kind::kRange) cut(part.offset, part.count);
      if (part.kind != ChainPart::Kind::kNormalised) continue;
      cut_out(part.piece.weight);
      if (part.piece.bias >= 0) cut_out(part.piece.bias);
      for (const int32_t index : graph.node(part.piece.norm).parameters) cut_out(index);
    }
  }
  std::vector<int64_t> lengths;
  for (auto mark = marks.begin(); std::next(mark) != marks.end(); ++mark) lengths.push_back(*std::next(mark) - *mark);
  return lengths;
}

// A convolution with the nodes behind it that its epilogue does.
struct Fused {
  ConvLayer layer;  // layer.add is set when the chain is made
  ChainPiece piece;
  int32_t from = -1;        // what is convolved
  int32_t add = -1;         // what is added, a node
  int32_t before_add = -1;  // the node that holds the result without the sum and what follows it
  ConvLayer plain;          // the layer without them ...
  ChainPiece plain_piece;
  int32_t result = -1;  // the last node that it does
};

class Planner {
 public:
  Planner(const Graph& graph, int32_t output, bool differentiable)
      : graph_(graph), output_(output), differentiable_(differentiable) {
    find_consumers();
  }

  Plan plan() {
    Plan plan;
    std::vector<char> done(graph_.nodes().size(), 0);
    for (int32_t i = 0; i <= output_; ++i) {
      if (!needed_[static_cast<size_t>(i)] || done[static_cast<size_t>(i)]) continue;
      const auto* const conv = std::get_if<Convolution>(&graph_.node(i).operation);
      if (conv == nullptr || !is_fast(*conv)) {
        if (!std::holds_alternative<Input>(graph_.node(i).operation)) add_node(plan, i);
        continue;
      }
      const std::vector<Fused> chain = longest_chain(i);
      add_chain(plan, chain, done);
    }
    std::sort(plan.steps.begin(), plan.steps.end(),
              [](const PlanStep& a, const PlanStep& b) { return a.result < b.result; });
    add_last_uses(plan);
    plan.cuts = cuts_of(graph_, plan.steps);
    return plan;
  }

 private:
  static bool is_fast(const Convolution& conv) {
    return conv.side == 3 && conv.stride == 1 && conv.padding == 1 && conv.dilation == 1 && conv.groups == 1 &&
           !conv.transposed;
  }

  void find_consumers() {
    needed_.assign(graph_.nodes().size(), 0);
    consumers_.resize(graph_.nodes().size());
    needed_[static_cast<size_t>(output_)] = 1;
    for (int32_t i = output_; i >= 0; --i) {
      if (!needed_[static_cast<size_t>(i)]) continue;
      for (const int32_t input : graph_.node(i).inputs) {
        needed_[static_cast<size_t>(input)] = 1;
        consumers_[static_cast<size_t>(input)].push_back(i);
      }
    }
  }

  // The only node that uses `node`, or -1.
  int32_t only_consumer(int32_t node) const {
    const auto& all = consumers_[static_cast<size_t>(node)];
    return node != output_ && all.size() == 1 ? all.front() : -1;
  }

  Fused fuse(int32_t index) const {
    const Node& node = graph_.node(index);
    const auto& conv = std::get<Convolution>(node.operation);
    Fused fused;
    fused.from = node.inputs[0];
    fused.result = index;
    fused.layer.in_channels = graph_.node(fused.from).channels;
    fused.layer.out_channels = conv.out;
    fused.layer.bias = conv.bias;
    fused.piece.weight = node.parameters[0];
    if (conv.bias) fused.piece.bias = node.parameters[1];
    while (take_next(fused)) {
    }
    return fused;
  }

  // Takes the next node into the epilogue, where that can be done.
  bool take_next(Fused& fused) const {
    const int32_t next = only_consumer(fused.result);
    if (next < 0) return false;
    const Node& node = graph_.node(next);
    const bool activated = fused.layer.relu || fused.layer.prelu;
    const bool untouched = fused.add < 0 && !activated && fused.layer.shuffle == 1;
    bool taken = false;
    if (const auto* const affine = std::get_if<Affine>(&node.operation)) {
      taken = untouched && fused.piece.norm < 0 && affine->shift == 0.0;
      if (taken) fused.piece.gain *= affine->factor;
    } else if (const auto* const norm = std::get_if<Normalisation>(&node.operation)) {
      taken = untouched && fused.piece.norm < 0 && norm->kind == Norm::kBatch && !differentiable_;
      if (taken) {
        fused.piece.norm = next;
        fused.layer.bias = true;
      }
    } else if (std::holds_alternative<Sum>(node.operation)) {
      taken = untouched && node.inputs.size() == 2 && node.inputs[0] != node.inputs[1];
      if (taken) take_sum(fused, node);
    } else if (const auto* const activation = std::get_if<Activation>(&node.operation)) {
      taken = !activated && take_activation(fused, *activation, node);
    } else if (const auto* const shuffle = std::get_if<PixelShuffle>(&node.operation)) {
      const int64_t unit = shuffle->factor * shuffle->factor * 16;
      // Slopes of channels belong to those before the shuffle.
      taken = fused.add < 0 && fused.layer.shuffle == 1 && fused.layer.out_channels % unit == 0;
      if (taken) fused.layer.shuffle = shuffle->factor;
    }
    if (taken) fused.result = next;
    return taken;
  }

  static void take_sum(Fused& fused, const Node& sum) {
    fused.before_add = fused.result;
    fused.plain = fused.layer;
    fused.plain_piece = fused.piece;
    fused.add = sum.inputs[0] == fused.result ? sum.inputs[1] : sum.inputs[0];
  }

  bool take_activation(Fused& fused, const Activation& activation, const Node& node) const {
    if (activation.curve == Curve::kRelu) {
      fused.layer.relu = true;
      return true;
    }
    if (differentiable_) return false;
    if (activation.curve == Curve::kLeakyRelu) {
      fused.piece.leak = activation.slope;
      fused.piece.has_leak = true;
    } else if (activation.curve == Curve::kPrelu) {
      const bool one = graph_.parameters()[static_cast<size_t>(node.parameters[0])].count() == 1;
      if (fused.layer.shuffle != 1 && !one) return false;
      fused.piece.slope = node.parameters[0];
    } else {
      return false;
    }
    fused.layer.prelu = true;
    return true;
  }

  // The longest chain from convolution `first` on whose images in between are used by itself alone.
  std::vector<Fused> longest_chain(int32_t first) const {
    std::vector<Fused> chain;
    for (int32_t at = first; at >= 0;) {
      Fused fused = fuse(at);
      const bool fits = fused.add >= 0 && graph_.node(fused.add).channels == fused.layer.out_channels &&
                        place_of(fused.add, chain, fused.from) >= 0;
      if (fused.add >= 0 && !fits) {
        fused.result = fused.before_add;
        fused.layer = fused.plain;
        fused.piece = fused.plain_piece;
        fused.add = -1;
      }
      chain.push_back(fused);
      at = next_convolution(chain);
    }
    while (chain.size() > 1 && !is_closed(chain)) chain.pop_back();
    return chain;
  }

  // A convolution that takes the chain's result; of several the first.
  int32_t next_convolution(const std::vector<Fused>& chain) const {
    for (const int32_t consumer : consumers_[static_cast<size_t>(chain.back().result)]) {
      const auto* const conv = std::get_if<Convolution>(&graph_.node(consumer).operation);
      if (conv != nullptr && is_fast(*conv)) return consumer;
    }
    return -1;
  }

  // The image of the chain (0 = what goes in) that `node` is; -1 for none. `from`: what the convolution after the
  // chain takes, which is its input where the chain is empty.
  static int64_t place_of(int32_t node, const std::vector<Fused>& chain, int32_t from) {
    if (node == (chain.empty() ? from : chain.front().from)) return 0;
    for (size_t i = 0; i < chain.size(); ++i) {
      if (chain[i].result == node) return static_cast<int64_t>(i) + 1;
    }
    return -1;
  }

  // Whether all images but the last are used inside only.
  bool is_closed(const std::vector<Fused>& chain) const {
    for (size_t i = 0; i + 1 < chain.size(); ++i) {
      size_t uses = 1;  // the next convolution
      for (size_t k = i + 1; k < chain.size(); ++k) uses += chain[k].add == chain[i].result ? 1 : 0;
      if (chain[i].result == output_ || uses != consumers_[static_cast<size_t>(chain[i].result)].size()) return false;
    }
    return true;
  }

  static void add_node(Plan& plan, int32_t index) {
    PlanStep step;
    step.result = index;
    plan.steps.push_back(std::move(step));
  }

  void add_chain(Plan& plan, const std::vector<Fused>& chain, std::vector<char>& done) const {
    PlanStep step;
    step.result = chain.back().result;
    step.from = chain.front().from;
    std::vector<ConvLayer> layers;
    std::vector<Fused> before;
    Parts parts(graph_);
    for (const Fused& fused : chain) {
      ConvLayer layer = fused.layer;
      if (fused.add >= 0) layer.add = place_of(fused.add, before, fused.from);
      layers.push_back(layer);
      parts.add(fused.piece, layer);
      before.push_back(fused);
      mark(fused, done);
    }
    step.parts = parts.take();
    step.chain = chain_of(plan, layers);
    plan.steps.push_back(std::move(step));
  }

  // Chains of the same layers are one, whatever their weights: each keeps buffers, and networks repeat their parts.
  static std::shared_ptr<ConvChain> chain_of(const Plan& plan, const std::vector<ConvLayer>& layers) {
    for (const PlanStep& step : plan.steps) {
      if (step.chain && step.chain->layers() == layers) return step.chain;
    }
    return std::make_shared<ConvChain>(layers);
  }

  // All nodes from the convolution to its last one are done with it.
  void mark(const Fused& fused, std::vector<char>& done) const {
    for (int32_t at = fused.result; at != fused.from;) {
      done[static_cast<size_t>(at)] = 1;
      const Node& node = graph_.node(at);
      if (std::holds_alternative<Convolution>(node.operation)) break;
      const bool second = node.inputs.size() == 2 && node.inputs[0] == fused.add;
      at = node.inputs[second ? 1 : 0];
    }
  }

  void add_last_uses(Plan& plan) const {
    std::set<int32_t> later{output_};
    for (size_t i = plan.steps.size(); i-- > 0;) {
      PlanStep& step = plan.steps[i];
      const std::vector<int32_t> inputs =
          step.chain ? std::vector<int32_t>{step.from} : graph_.node(step.result).inputs;
      for (const int32_t input : inputs) {
        if (later.insert(input).second) step.last_uses.push_back(input);
      }
    }
  }

  const Graph& graph_;
  int32_t output_;
  bool differentiable_;
  std::vector<char> needed_;
  std::vector<std::vector<int32_t>> consumers_;
};

}  // namespace

Plan make_plan(const Graph& graph, int32_t output, bool differentiable) {
  return Planner(graph, output, differentiable).plan();
}

}  // namespace zsr::nn
