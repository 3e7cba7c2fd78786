#pragma once

#include "nn/pieces.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::nn {

/// One run of a plan. Gradients flow where `differentiable`; images that lie in the blocked layout then are tensors of
/// that layout for LibTorch's autograd too, and consecutive layers are one function.
class Execution {
 public:
  Execution(const Graph& graph, std::shared_ptr<const Plan> plan, const Pieces& pieces,
            std::shared_ptr<LayerEngine> engine, bool differentiable, bool training);
  /// What the graph's inputs are, in their order. The values of the nodes `outputs`, of which the plan was made,
  /// [N, C, H, W] each.
  std::vector<torch::Tensor> run(const std::vector<torch::Tensor>& inputs, const std::vector<int32_t>& outputs);

 private:
  struct Value {
    torch::Tensor plain;
    blocked::Image image;  // where both are defined, they are the same
  };
  Value& at(int32_t node) { return values_[static_cast<size_t>(node)]; }
  torch::Tensor plain(int32_t node);
  torch::Tensor like(int32_t node);
  const blocked::Image& image(int32_t node);
  void run_node(const PlanStep& step);
  blocked::Image place_of(const PlanStep& step);
  void run_alone(const PlanStep& step);
  size_t run_group(size_t first);
  std::vector<int32_t> used_later(size_t first, size_t end) const;
  void forget(const PlanStep& step);

  const Graph& graph_;
  std::shared_ptr<const Plan> plan_;
  const Pieces& pieces_;
  std::shared_ptr<LayerEngine> engine_;
  bool differentiable_;
  bool training_;
  std::vector<int32_t> outputs_;
  std::vector<Value> values_;
};

}  // namespace zsr::nn
