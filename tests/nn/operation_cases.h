#pragma once

#include "nn/graph.h"

#include <torch/types.h>

#include <functional>
#include <ostream>
#include <vector>

namespace zsr::nn {

using Build = std::function<Value(Graph&, Value)>;

inline Graph made_of(const Build& build, int64_t channels) {
  Graph graph;
  graph.output(build(graph, graph.input(channels)), 1);
  return graph;
}

/// Drawn so that variances and slopes are positive.
inline torch::Tensor random_parameters(const Graph& graph, torch::ScalarType type) {
  torch::manual_seed(5);
  torch::Tensor values = torch::randn({graph.parameter_count()}, type) * 0.3;
  for (const Parameter& parameter : graph.parameters()) {
    const bool positive = parameter.role == Parameter::Role::kVariance || parameter.role == Parameter::Role::kSlope;
    if (positive) values.narrow(0, parameter.offset, parameter.count()).abs_().add_(0.1);
  }
  return values;
}

/// A graph of one operation (or two), for an image of `channels`.
struct OperationCase {
  const char* name;
  int64_t channels;
  Build build;
};
inline void PrintTo(const OperationCase& item, std::ostream* out) {
  *out << item.name;
}

/// Every operation, and what its options change.
inline std::vector<OperationCase> operation_cases() {
  const auto conv = [](Graph::ConvOptions options) {
    return [=](Graph& g, Value x) { return g.conv("c", x, 4, options); };
  };
  const auto curve = [](Curve kind) { return [=](Graph& g, Value x) { return g.activation(kind, x); }; };
  return {
      {"conv3x3", 4, conv({})},
      {"conv1x1", 4, conv({.side = 1})},
      {"conv5x5NoBias", 4, conv({.side = 5, .bias = false})},
      {"strided", 4, conv({.side = 3, .stride = 2, .padding = 0})},
      {"dilated", 4, conv({.side = 3, .dilation = 2})},
      {"grouped", 4, conv({.side = 3, .groups = 2})},
      {"depthwise", 4, conv({.side = 3, .groups = 4})},
      {"transposed", 4,
       [](Graph& g, Value x) { return g.transposed_conv("t", x, 2, {.side = 4, .stride = 2, .padding = 1}); }},
      {"shared", 4,
       [](Graph& g, Value x) {
         const Value a = g.conv("c", x, 4);
         return g.conv_like(a, a);
       }},
      {"relu", 4, curve(Curve::kRelu)},
      {"leaky", 4, [](Graph& g, Value x) { return g.leaky_relu(x, 0.2); }},
      {"prelu", 4, [](Graph& g, Value x) { return g.prelu("p", x); }},
      {"preluOfOne", 4, [](Graph& g, Value x) { return g.prelu("p", x, 1); }},
      {"sigmoid", 4, curve(Curve::kSigmoid)},
      {"tanh", 4, curve(Curve::kTanh)},
      {"gelu", 4, curve(Curve::kGelu)},
      {"silu", 4, curve(Curve::kSilu)},
      {"softplus", 4, curve(Curve::kSoftplus)},
      {"mish", 4, curve(Curve::kMish)},
      {"power", 4, [](Graph& g, Value x) { return g.power(g.affine(x * x, 1.0, 0.1), -0.5); }},
      {"channelMean", 4, [](Graph& g, Value x) { return x * g.channel_mean(x); }},
      {"softmax", 4, [](Graph& g, Value x) { return g.softmax(x); }},
      {"sum", 4, [](Graph& g, Value x) { return x + g.pool(x, Pooling::kMean) * 2.0; }},
      {"product", 4, [](Graph& g, Value x) { return x * g.sigmoid(x); }},
      {"affine", 4, [](Graph& g, Value x) { return g.affine(x, -0.5, 0.25); }},
      {"shift", 4,
       [](Graph& g, Value x) {
         return g.shift(x, {0.1F, 0.2F}) * x;
       }},
      {"concat", 4,
       [](Graph& g, Value x) {
         return g.concat({x, x * x});
       }},
      {"slice", 4, [](Graph& g, Value x) { return g.slice(x, 1, 3); }},
      {"shuffle", 4, [](Graph& g, Value x) { return g.shuffle(x, 2); }},
      {"unshuffle", 4, [](Graph& g, Value x) { return g.unshuffle(x, 2); }},
      {"nearest", 4, [](Graph& g, Value x) { return g.nearest(x, 2); }},
      {"nearestLike", 4,
       [](Graph& g, Value x) { return g.resize_like(g.pool(x, Pooling::kMax, 3, 2), x, Interpolation::kNearest); }},
      {"bilinear", 4, [](Graph& g, Value x) { return g.resize(x, Interpolation::kBilinear, 3); }},
      {"bicubic", 4, [](Graph& g, Value x) { return g.resize(x, Interpolation::kBicubic, 2); }},
      {"imresize", 4, [](Graph& g, Value x) { return g.resize(x, Interpolation::kImresize, 3); }},
      {"pad", 4,
       [](Graph& g, Value x) {
         return g.pad(x * x, {2, -1, 0, 3});
       }},
      {"padMirrored", 4,
       [](Graph& g, Value x) {
         return g.pad(x * x, {1, 2, 3, 1, Edge::kReflect});
       }},
      {"resizeLike", 4,
       [](Graph& g, Value x) { return g.resize_like(g.pool(x, Pooling::kMax, 3, 2), x, Interpolation::kBilinear); }},
      {"meanPool", 4, [](Graph& g, Value x) { return g.pool(x, Pooling::kMean, 2, 2); }},
      {"maxPool", 4, [](Graph& g, Value x) { return g.pool(x, Pooling::kMax); }},
      {"adaptiveMaxPool", 4, [](Graph& g, Value x) { return g.adaptive_max_pool(x, 2); }},
      {"deviation", 4, [](Graph& g, Value x) { return g.pool(x, Pooling::kDeviation); }},
      {"sampleDeviation", 4, [](Graph& g, Value x) { return g.pool(x, Pooling::kSampleDeviation); }},
      {"norm", 4, [](Graph& g, Value x) { return g.pool(x, Pooling::kNorm); }},
      {"batchNorm", 4, [](Graph& g, Value x) { return g.normalise("n", x, Norm::kBatch); }},
      {"layerNorm", 4, [](Graph& g, Value x) { return g.normalise("n", x, Norm::kLayer); }},
      {"instanceNorm", 4, [](Graph& g, Value x) { return g.normalise("n", x, Norm::kInstance); }},
      {"groupNorm", 4, [](Graph& g, Value x) { return g.normalise("n", x, Norm::kGroup, 1e-5, 2); }},
      {"learned", 4,
       [](Graph& g, Value x) {
         const Value gain = g.learned("gain", {1, 4, 1, 1}, Parameter::Role::kNormWeight);
         return x * gain + g.learned("shift", {1}, Parameter::Role::kNormBias);
       }},
      {"padToMultiple", 4, [](Graph& g, Value x) { return g.pad_to_multiple(x * x, 5); }},
      {"padToMultipleByZeros", 4, [](Graph& g, Value x) { return g.pad_to_multiple(x * x, 5, Edge::kZero); }},
      {"cutLike", 4, [](Graph& g, Value x) { return g.cut_to(g.nearest(g.pad_to_multiple(x, 5), 2), x, 2); }},
      {"windowAttention", 6,
       [](Graph& g, Value x) { return g.window_attention("t", x, {.side = 4, .heads = 2, .shift = 0}); }},
      {"shiftedWindowAttention", 6,
       [](Graph& g, Value x) { return g.window_attention("t", x, {.side = 4, .heads = 1, .shift = 2}); }},
      {"haar", 4, [](Graph& g, Value x) { return g.haar(x); }},
      {"haarBack", 4, [](Graph& g, Value x) { return g.haar(x, true); }},
      {"matrixProduct", 4, [](Graph& g, Value x) { return g.matrix_product(x, x, true); }},
      {"plainMatrixProduct", 4,
       [](Graph& g, Value x) { return g.matrix_product(g.matrix_product(x, x, true), x, false); }},
      {"custom", 4,
       [](Graph& g, Value x) {
         const int32_t p = g.parameter("own", {4}, Parameter::Role::kWeight);
         return g.custom({"gain", [](const std::vector<Shape>& in) { return in[0]; },
                          [](const auto& in, const auto& own) {
                            return in[0] * own[0].view({1, -1, 1, 1});
                          }},
                         {x}, {p});
       }},
  };
}

}  // namespace zsr::nn
