#include "nn/model.h"

#include "nn/execution.h"
#include "nn/kernels/conv_backend.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>

namespace zsr::nn {

struct Model::State {
  // How a plan is made: for any device and type, for results alone, for gradients too.
  enum class Way { kNodes, kResult, kGradient };

  Graph graph;
  std::shared_ptr<LayerEngine> engine = std::make_shared<LayerEngine>();
  mutable std::mutex mutex;
  mutable std::map<std::pair<std::vector<int32_t>, Way>, std::shared_ptr<const Plan>> plans;

  std::shared_ptr<const Plan> plan(const std::vector<int32_t>& outputs, Way way) const {
    const std::lock_guard lock(mutex);
    auto& found = plans[{outputs, way}];
    if (!found) {
      found = std::make_shared<const Plan>(way == Way::kNodes ? make_node_plan(graph, outputs)
                                                              : make_plan(graph, outputs, way == Way::kGradient));
    }
    return found;
  }

  torch::Tensor view(const torch::Tensor& parameters, int32_t index) const {
    const Parameter& parameter = graph.parameters()[static_cast<size_t>(index)];
    return parameters.narrow(0, parameter.offset, parameter.count()).view(parameter.shape);
  }
};

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

namespace {

bool is_fast(const torch::Tensor& values) {
  return values.device().is_cpu() && values.scalar_type() == torch::kFloat32;
}

}  // namespace

torch::Tensor Model::forward(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters, int64_t scale,
                             bool training) const {
  return run(inputs, parameters, {graph().output_at(scale)}, training).front();
}

std::vector<torch::Tensor> Model::forward_all(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters,
                                              int64_t scale, bool training) const {
  std::vector<int32_t> outputs{graph().output_at(scale)};
  for (const Graph::Intermediate& item : graph().intermediates_at(scale)) outputs.push_back(item.node);
  return run(inputs, parameters, outputs, training);
}

std::vector<torch::Tensor> Model::run(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters,
                                      const std::vector<int32_t>& outputs, bool training) const {
  const Graph& graph = state_->graph;
  bool differentiable = training;
  if (torch::GradMode::is_enabled()) {
    differentiable = differentiable || parameters.requires_grad();
    for (const torch::Tensor& input : inputs) differentiable = differentiable || input.requires_grad();
  }
  bool fast = preferred_conv_backend() == ConvBackend::kWinograd && is_fast(parameters);
  for (const torch::Tensor& input : inputs) fast = fast && is_fast(input) && input.dim() == 4 && input.numel() > 0;
  using Way = State::Way;
  const auto plan = state_->plan(outputs, !fast ? Way::kNodes : differentiable ? Way::kGradient : Way::kResult);
  if (fast && !inputs.empty()) {
    const std::lock_guard lock(state_->engine->mutex);
    state_->engine->layers.pool().begin(inputs[0].size(0), inputs[0].size(2), inputs[0].size(3));
  }
  const Pieces pieces(graph, *plan, parameters);
  return Execution(graph, plan, pieces, state_->engine, fast && differentiable, training).run(inputs, outputs);
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
