#pragma once

#include "nn/graph.h"

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace zsr::nn {

/// What an ONNX file holds beside the operations.
struct OnnxOptions {
  std::string network;  ///< Name of the graph, and of the network in messages.
  int64_t scale = 0;    ///< Which output is written; 0 = the only one.
  /// Weights of convolutions as 16-bit numbers, which the file widens itself: everything is computed in 32 bits. A
  /// tensor with a number beyond their range (65504) stays as it is.
  bool half = false;
  std::map<std::string, std::string> metadata;
};

/// Operator set of the files: old enough for converters, and all operations here exist in it.
constexpr int64_t kOnnxOperatorSet = 13;

/// The bytes of an ONNX model of `graph` with its flat `parameters`. Inputs "input" ("input2", ... where there are
/// several) and "output", float32 [batch, C, height, width] with batch, height and width free. Equal contents give
/// equal bytes.
///
/// Throws OptionError for a scale that the graph does not have, and InputError, naming network and operation, where
/// ONNX has no counterpart (Custom) or the file would exceed the 2 GB of one message.
std::string to_onnx(const Graph& graph, const torch::Tensor& parameters, const OnnxOptions& options);

}  // namespace zsr::nn
