#pragma once

#include "nn/optim/flat_adam.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// The latent numbers of a FlowPrior during a search for a kernel: they stay on the sphere around the origin whose
/// radius is one less than the kernel's side, where normal numbers lie (SphericalOptimizer of the FKP release).
class SphericalLatent {
 public:
  /// `side` of the kernel; `rate`, `beta1` of Adam. Drawn from `seed`.
  SphericalLatent(int64_t side, double rate, double beta1, uint64_t seed);

  /// [side^2], a leaf that requires gradients, on the CPU.
  const torch::Tensor& values() const { return values_; }
  /// One step of Adam along the gradient, `move` or not, and back to the sphere. Forgets the gradient.
  void step(bool move);

 private:
  torch::Tensor values_;
  double rate_;
  double radius_;
  FlatAdam adam_;
};

}  // namespace zsr
