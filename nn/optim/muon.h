#pragma once

#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr {

/// A matrix inside a flat tensor: `rows` x `columns` values from `offset` on, row by row.
struct MatrixSlice {
  int64_t offset = 0;
  int64_t rows = 0;
  int64_t columns = 0;
};

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): momentum whose matrix is
/// brought near the closest orthogonal one by five Newton-Schulz steps, so that a step moves all directions alike.
/// A convolution's weight counts as the matrix [out, in * 3 * 3]. The iteration runs on the small side's Gram matrix,
/// which leaves its result unchanged and costs a few per cent of a training step.
class Muon {
 public:
  /// `slices` of one flat tensor on `device`; `momentum` in [0, 1).
  Muon(std::vector<MatrixSlice> slices, torch::Device device, double momentum);

  /// parameters -= learning_rate * orthogonal(gradient and momentum) on every slice. Flat float32, contiguous.
  void step(torch::Tensor parameters, const torch::Tensor& gradient, double learning_rate);
  /// Forgets the momentum.
  void reset();

  /// The momentum of every slice, names beginning with `prefix`.
  std::vector<NamedTensor> state(const std::string& prefix) const;
  /// Takes it back. Throws InputError.
  void load_state(const WeightsFile& file, const std::string& prefix);

 private:
  void step_on_cpu(float* parameters, const float* gradient, size_t index, float learning_rate);

  std::vector<MatrixSlice> slices_;
  double momentum_;
  std::vector<torch::Tensor> average_;  // [rows, columns] each
};

/// The matrix that Muon steps along, for `update` [rows, columns]: singular values between about 0.7 and 1.2. Plain
/// LibTorch operations; the reference for tests and the path for GPUs.
torch::Tensor orthogonalize(const torch::Tensor& update);

}  // namespace zsr
