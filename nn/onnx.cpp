#include "nn/onnx.h"

#include "nn/onnx_builder.h"
#include "nn/onnx_nodes.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::nn {
namespace {

// The nodes that `output` depends on, and all inputs.
std::vector<bool> needed_for(const Graph& graph, int32_t output) {
  std::vector<bool> needed(graph.nodes().size(), false);
  needed[static_cast<size_t>(output)] = true;
  for (size_t i = needed.size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    if (std::holds_alternative<Input>(node.operation)) needed[i] = true;
    if (!needed[i]) continue;
    for (const int32_t input : node.inputs) needed[static_cast<size_t>(input)] = true;
  }
  return needed;
}

// "head.0" of "head.0.weight"; the node's number where it has no parameters.
std::string scope_of(const Graph& graph, size_t index) {
  const Node& node = graph.nodes()[index];
  if (node.parameters.empty()) return std::to_string(index);
  const std::string& name = graph.parameters()[static_cast<size_t>(node.parameters[0])].name;
  return name.substr(0, name.rfind('.'));
}

std::string add_parameter(OnnxBuilder& builder, const Parameter& parameter, const torch::Tensor& parameters,
                          const std::vector<int64_t>& shape, bool half) {
  const torch::Tensor values = parameters.detach().narrow(0, parameter.offset, parameter.count());
  const bool narrow = half && parameter.role == Parameter::Role::kWeight;
  return builder.tensor(parameter.name, values.view(shape.empty() ? parameter.shape : shape), narrow);
}

}  // namespace

std::string to_onnx(const Graph& graph, const torch::Tensor& parameters, const OnnxOptions& options) {
  const torch::NoGradGuard no_grad;
  const int32_t output = graph.output_at(options.scale);
  const std::vector<bool> needed = needed_for(graph, output);
  OnnxBuilder builder(options.network);
  std::vector<std::string> names(graph.nodes().size());
  int64_t inputs = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (std::holds_alternative<Input>(node.operation)) {
      ++inputs;
      names[i] = builder.input(inputs == 1 ? "input" : fmt::format("input{}", inputs), node.channels);
      continue;
    }
    if (!needed[i]) continue;
    OnnxNode made{builder, options.network, {}, {}, {}};
    for (const int32_t input : node.inputs) {
      made.inputs.push_back(names[static_cast<size_t>(input)]);
      made.channels.push_back(graph.node(input).channels);
    }
    made.parameter = [&](size_t index, const std::vector<int64_t>& shape) {
      const Parameter& parameter = graph.parameters()[static_cast<size_t>(node.parameters.at(index))];
      return add_parameter(builder, parameter, parameters, shape, options.half);
    };
    builder.name_after(scope_of(graph, i));
    names[i] = add_onnx_nodes(node.operation, made);
  }
  builder.output(names[static_cast<size_t>(output)], graph.node(output).channels);
  for (const auto& [key, value] : options.metadata) builder.describe(key, value);
  return builder.bytes();
}

}  // namespace zsr::nn
