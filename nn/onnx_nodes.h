#pragma once

#include "nn/graph.h"
#include "nn/onnx_builder.h"

#include <torch/types.h>

#include <functional>
#include <string>
#include <vector>

namespace zsr::nn {

/// One node of a graph on its way into an ONNX model.
struct OnnxNode {
  OnnxBuilder& to;
  std::string network;              ///< For messages.
  std::vector<std::string> inputs;  ///< Names of its inputs in the model.
  std::vector<int64_t> channels;    ///< Of its inputs.
  /// Its parameter `index` (in the order of nn/operations.h) as a constant of that shape; empty: its own shape.
  std::function<std::string(size_t index, std::vector<int64_t> shape)> parameter;
};

/// Adds what computes `operation`; the name of its result. Inputs of the graph are not among them. Throws InputError
/// for Custom.
std::string add_onnx_nodes(const Operation& operation, const OnnxNode& node);

}  // namespace zsr::nn
