#include "nn/model.h"

#include "nn/plan.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>

namespace zsr::nn {

struct Model::State {
  Graph graph;
  mutable std::mutex mutex;
  mutable std::map<std::pair<int32_t, bool>, std::shared_ptr<const Plan>> plans;

  std::shared_ptr<const Plan> plan(int32_t output, bool differentiable) const {
    const std::lock_guard lock(mutex);
    auto& found = plans[{output, differentiable}];
    if (!found) found = std::make_shared<const Plan>(make_plan(graph, output, differentiable));
    return found;
  }

  torch::Tensor view(const torch::Tensor& parameters, int32_t index) const {
    const Parameter& parameter = graph.parameters()[static_cast<size_t>(index)];
    return parameters.narrow(0, parameter.offset, parameter.count()).view(parameter.shape);
  }
};

namespace {

// The flat parameters in the stretches that a plan cuts; one cut, so that the gradient is put together once.
class Pieces {
 public:
  Pieces(const Graph& graph, const Plan& plan, const torch::Tensor& parameters)
      : graph_(graph), parts_(parameters.split_with_sizes(plan.cuts)) {
    int64_t at = 0;
    for (const int64_t length : plan.cuts) {
      offsets_.push_back(at);
      at += length;
    }
  }

  torch::Tensor range(int64_t offset, int64_t count) const {
    const auto first = std::lower_bound(offsets_.begin(), offsets_.end(), offset) - offsets_.begin();
    std::vector<torch::Tensor> found;
    for (auto i = static_cast<size_t>(first); count > 0; ++i) {
      found.push_back(parts_[i]);
      count -= parts_[i].numel();
    }
    return found.size() == 1 ? found.front() : torch::cat(found);
  }

  torch::Tensor of(int32_t index) const {
    const Parameter& parameter = graph_.parameters()[static_cast<size_t>(index)];
    return range(parameter.offset, parameter.count()).view(parameter.shape);
  }

  std::vector<torch::Tensor> of(const Node& node) const {
    std::vector<torch::Tensor> all;
    for (const int32_t index : node.parameters) all.push_back(of(index));
    return all;
  }

  // All parameters of a chain, flat.
  torch::Tensor of(const PlanStep& step) const {
    std::vector<torch::Tensor> all;
    for (const ChainPart& part : step.parts) {
      switch (part.kind) {
        case ChainPart::Kind::kRange: {
          torch::Tensor values = range(part.offset, part.count);
          if (part.value != 1.0) values = values * part.value;
          all.push_back(part.repeat == 1 ? values : values.expand({part.repeat}));
          break;
        }
        case ChainPart::Kind::kConstant:
          all.push_back(torch::full({part.count}, part.value, parts_.front().options().requires_grad(false)));
          break;
        case ChainPart::Kind::kNormalised:
          add_normalised(part.piece, all);
          break;
      }
    }
    return all.size() == 1 ? all.front() : torch::cat(all);
  }

 private:
  // The convolution that equals this one and the batch normalisation behind it.
  void add_normalised(const ChainPiece& piece, std::vector<torch::Tensor>& all) const {
    const Node& node = graph_.node(piece.norm);
    const std::vector<torch::Tensor> norm = of(node);
    const double epsilon = std::get<Normalisation>(node.operation).epsilon;
    const torch::Tensor factor = norm[0] / (norm[3] + epsilon).sqrt();
    const torch::Tensor weight = of(piece.weight).flatten(1) * piece.gain;
    const torch::Tensor bias = piece.bias >= 0 ? of(piece.bias) * piece.gain : torch::zeros_like(factor);
    all.push_back((weight * factor.unsqueeze(1)).reshape({-1}));
    all.push_back((bias - norm[2]) * factor + norm[1]);
  }

  const Graph& graph_;
  std::vector<torch::Tensor> parts_;
  std::vector<int64_t> offsets_;
};

}  // namespace

Model::Model(Graph graph) : state_(std::make_unique<State>()) {
  state_->graph = std::move(graph);
}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const Graph& Model::graph() const {
  return state_->graph;
}

torch::Tensor Model::view(const torch::Tensor& parameters, int32_t index) const {
  return state_->view(parameters, index);
}

torch::Tensor Model::forward(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters, int64_t scale,
                             bool training) const {
  const Graph& graph = state_->graph;
  const int32_t output = graph.output_at(scale);
  bool differentiable = training;
  if (torch::GradMode::is_enabled()) {
    differentiable = differentiable || parameters.requires_grad();
    for (const torch::Tensor& input : inputs) differentiable = differentiable || input.requires_grad();
  }
  const auto plan = state_->plan(output, differentiable);
  const Pieces pieces(graph, *plan, parameters);
  std::vector<torch::Tensor> values(graph.nodes().size());
  size_t given = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::holds_alternative<Input>(graph.nodes()[i].operation)) values[i] = inputs.at(given++);
  }
  for (const PlanStep& step : plan->steps) {
    torch::Tensor& made = values[static_cast<size_t>(step.result)];
    if (step.chain) {
      made = step.chain->forward(values[static_cast<size_t>(step.from)].contiguous(), pieces.of(step));
    } else {
      const Node& node = graph.node(step.result);
      std::vector<torch::Tensor> images;
      for (const int32_t input : node.inputs) images.push_back(values[static_cast<size_t>(input)]);
      made = run_by_torch(node.operation, images, pieces.of(node), training);
    }
    for (const int32_t node : step.last_uses) values[static_cast<size_t>(node)].reset();
  }
  return values[static_cast<size_t>(output)];
}

namespace {

// Whether a convolution leads to each node, and whether one follows it.
struct Depth {
  std::vector<char> before, after;
  explicit Depth(const Graph& graph) : before(graph.nodes().size(), 0), after(graph.nodes().size(), 0) {
    const auto is_conv = [&](int32_t i) { return std::holds_alternative<Convolution>(graph.node(i).operation); };
    const auto count = static_cast<int32_t>(graph.nodes().size());
    for (int32_t i = 0; i < count; ++i) {
      for (const int32_t from : graph.node(i).inputs) {
        if (is_conv(from) || before[static_cast<size_t>(from)]) before[static_cast<size_t>(i)] = 1;
      }
    }
    for (int32_t i = count; i-- > 0;) {
      for (const int32_t from : graph.node(i).inputs) {
        if (is_conv(i) || after[static_cast<size_t>(i)]) after[static_cast<size_t>(from)] = 1;
      }
    }
  }
};

// Whether a sum takes what the convolution makes, perhaps after a multiple or a normalisation, or softplus makes a
// strength of it, which then begins at softplus(0) whatever the input.
bool begins_small(const Graph& graph, size_t conv) {
  auto at = static_cast<int32_t>(conv);
  for (size_t i = conv + 1; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (std::find(node.inputs.begin(), node.inputs.end(), at) == node.inputs.end()) continue;
    if (std::holds_alternative<Sum>(node.operation)) return true;
    const auto* const activation = std::get_if<Activation>(&node.operation);
    if (activation != nullptr && activation->curve == Curve::kSoftplus) return true;
    const bool passes =
        std::holds_alternative<Affine>(node.operation) || std::holds_alternative<Normalisation>(node.operation);
    if (!passes) return false;
    at = static_cast<int32_t>(i);
  }
  return false;
}

}  // namespace

torch::Tensor initial_values(const Graph& graph, Random& random) {
  torch::Tensor values = torch::zeros({graph.parameter_count()});
  const Depth depth(graph);
  std::set<int32_t> drawn;  // several nodes may share a parameter
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const bool small = begins_small(graph, i) || depth.after[i] == 0;
    for (const int32_t index : node.parameters) {
      if (!drawn.insert(index).second) continue;
      const Parameter& parameter = graph.parameters()[static_cast<size_t>(index)];
      torch::Tensor own = values.narrow(0, parameter.offset, parameter.count());
      if (!parameter.initial.empty()) {
        own.copy_(torch::tensor(parameter.initial));
        continue;
      }
      switch (parameter.role) {
        case Parameter::Role::kWeight: {
          const auto* const conv = std::get_if<Convolution>(&node.operation);
          const int64_t rows = parameter.shape[conv != nullptr && conv->transposed ? 1 : 0];
          const auto fan_in = static_cast<double>(parameter.count() / rows);
          const double sigma = std::sqrt((small ? 0.02 : 2.0) / fan_in);
          float* const data = own.data_ptr<float>();
          for (int64_t k = 0; k < own.numel(); ++k) data[k] = static_cast<float>(sigma * random.normal());
          break;
        }
        case Parameter::Role::kSlope:
          own.fill_(0.25);
          break;
        case Parameter::Role::kNormWeight:
        case Parameter::Role::kVariance:
          own.fill_(1.0);
          break;
        case Parameter::Role::kBias:
        case Parameter::Role::kNormBias:
        case Parameter::Role::kMean:
          break;
      }
    }
  }
  return values;
}

std::vector<MatrixSlice> hidden_matrices(const Graph& graph) {
  const Depth depth(graph);
  std::vector<MatrixSlice> slices;
  std::set<int32_t> taken;  // several convolutions may share a weight
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto* const conv = std::get_if<Convolution>(&graph.nodes()[i].operation);
    if (conv == nullptr || !depth.before[i] || !depth.after[i]) continue;
    const int32_t index = graph.nodes()[i].parameters[0];
    if (!taken.insert(index).second) continue;
    const Parameter& weight = graph.parameters()[static_cast<size_t>(index)];
    const int64_t rows = weight.shape[0];
    const int64_t columns = weight.count() / rows;
    if (rows > 1 && columns > 1) slices.push_back({weight.offset, rows, columns});
  }
  return slices;
}

}  // namespace zsr::nn
