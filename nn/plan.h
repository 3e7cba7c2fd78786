#pragma once

#include "nn/graph.h"
#include "nn/kernels/conv_chain.h"

#include <memory>
#include <vector>

namespace zsr::nn {

/// What one convolution of a chain takes from the parameters.
struct ChainPiece {
  int32_t weight = -1;
  int32_t bias = -1;
  double gain = 1.0;   ///< Both are multiplied by it.
  int32_t norm = -1;   ///< Node of the batch normalisation that is merged into them.
  int32_t slope = -1;  ///< Parameter of learned slopes.
  double leak = 0.0;   ///< Constant slope; where `has_leak`.
  bool has_leak = false;
};

/// A stretch of the flat parameters, or what is made of them, in a chain's own parameters.
struct ChainPart {
  enum class Kind { kRange, kConstant, kNormalised };
  Kind kind = Kind::kRange;
  int64_t offset = 0;  ///< kRange: of the flat parameters.
  int64_t count = 0;   ///< kRange, kConstant: how many numbers.
  int64_t repeat = 1;  ///< kRange: one number, this many times.
  double value = 1.0;  ///< kRange: the factor; kConstant: the number.
  ChainPiece piece{};  ///< kNormalised: the convolution and the normalisation that is merged into it.
};

/// One step of a plan: a node by LibTorch, or a chain of convolutions as one operation.
struct PlanStep {
  int32_t result = -1;               ///< The node whose value it makes.
  std::shared_ptr<ConvChain> chain;  ///< Null: the node itself, by run_by_torch. Steps may share one.
  int32_t from = -1;                 ///< Chain: the node whose value goes in.
  std::vector<ChainPart> parts;      ///< Chain: its parameters one after another.
  std::vector<int32_t> last_uses;    ///< Nodes whose values are not needed after this step.
};

/// How to compute one output: 3x3 convolutions with what follows them (multiples, sums, activations, batch
/// normalisation, pixel shuffles) in chains that stay in the blocked layout, everything else node by node.
struct Plan {
  std::vector<PlanStep> steps;
  /// Lengths of the stretches into which the steps cut the flat parameters.
  std::vector<int64_t> cuts;
};

/// `differentiable`: only what the chains have gradients for is put into them, and batch normalisation stays apart.
Plan make_plan(const Graph& graph, int32_t output, bool differentiable);

}  // namespace zsr::nn
