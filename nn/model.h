#pragma once

#include "core/random.h"
#include "nn/graph.h"
#include "nn/optim/muon.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::nn {

struct Plan;

/// Runs a graph. The parameters are one flat tensor, so that an optimiser steps once and one run can use another set
/// of values (averages, blends).
///
/// On the CPU in float32 the 3x3 convolutions and what follows them run on the fast kernels (nn/plan.h), forward and
/// backward; elsewhere everything runs by LibTorch. The two agree to about 1e-4 relative.
class Model {
 public:
  explicit Model(Graph graph);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const Graph& graph() const;
  int64_t parameter_count() const { return graph().parameter_count(); }

  /// `inputs` [N, C, h, w], one for each input of the graph; `parameters` flat, float32 or float64. The result at
  /// `scale` (0 = the only one), [N, C', h s, w s]. Differentiable in both unless gradients are off. `training`: batch
  /// normalisation uses the batch's statistics and updates those in `parameters`.
  torch::Tensor forward(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters, int64_t scale = 0,
                        bool training = false) const;
  /// The same, and behind the result those of graph().intermediates_at(scale), in their order.
  std::vector<torch::Tensor> forward_all(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters,
                                         int64_t scale = 0, bool training = false) const;

  /// View of one parameter, in its shape.
  torch::Tensor view(const torch::Tensor& parameters, int32_t index) const;

 private:
  std::vector<torch::Tensor> run(const std::vector<torch::Tensor>& inputs, const torch::Tensor& parameters,
                                 const std::vector<int32_t>& outputs, bool training) const;
  struct State;
  std::unique_ptr<State> state_;
};

/// Values to begin a training with: He et al. (ICCV 2015) for convolutions, a tenth of that where the result is added
/// to an earlier image, is the output or becomes a strength by softplus, so that a residual network begins close to the
/// identity; biases 0, slopes 0.25, normalisation 1 and 0. Flat float32.
torch::Tensor initial_values(const Graph& graph, Random& random);

/// The convolutions between the first and the last ones as matrices [out, in side side], for Muon.
std::vector<MatrixSlice> hidden_matrices(const Graph& graph);

}  // namespace zsr::nn
