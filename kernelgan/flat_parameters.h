#pragma once

#include "core/random.h"
#include "nn/optim/flat_adam.h"

#include <torch/types.h>

#include <vector>

namespace zsr::kernelgan {

/// The parameters of a network as leaves over one flat tensor: autograd sees the leaves, the optimiser the flat tensor.
class FlatParameters {
 public:
  explicit FlatParameters(const std::vector<std::vector<int64_t>>& shapes, torch::Dtype dtype = torch::kFloat32);

  const torch::Tensor& operator[](size_t index) const { return leaves_[index]; }
  const std::vector<torch::Tensor>& leaves() const { return leaves_; }
  int64_t count() const { return flat_.numel(); }
  /// All values in the order of the leaves; Real as `dtype`.
  template <class Real>
  const Real* data() const {
    return flat_.data_ptr<Real>();
  }
  /// One step of Adam (beta 0.5, 0.999) along `gradient`, flat in the order of the leaves.
  void descend(const torch::Tensor& gradient, double learning_rate);
  /// N(0, (gain * sqrt(2 / (fan in + fan out)))^2): Glorot's normal initialisation of a convolution's weights.
  void xavier_normal(size_t index, double gain, Random& random);

 private:
  torch::Tensor flat_;
  std::vector<torch::Tensor> leaves_;
  FlatAdam adam_;
};

}  // namespace zsr::kernelgan
