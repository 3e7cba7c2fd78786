#pragma once

#include "kernelgan/patch_loops.h"

#include <array>
#include <cstdint>
#include <span>

namespace zsr::kernelgan {

/// Weights of the terms that keep the generator's kernel a blur; they change during training (`Schedule`).
struct ConstraintWeights {
  double bicubic = 5.0;  ///< Against a bicubic downscaling of the same patch.
  double sum_to_one = 0.5;
  double boundaries = 0.5;   ///< Against weight far from the centre.
  double centralized = 0.0;  ///< Against a centre of mass off the middle.
  double sparse = 0.0;       ///< Against many small weights.
};

/// When the weights change (the authors' learner.py): after the bicubic term was below 0.4 three times running, every
/// 200 steps its weight is divided by 100; once below 5e-3 the two last terms come in.
class Schedule {
 public:
  /// Call after each step with the value of the bicubic term.
  void update(int64_t step, double bicubic_loss);
  const ConstraintWeights& weights() const { return weights_; }
  double learning_rate() const { return learning_rate_; }

 private:
  ConstraintWeights weights_;
  double learning_rate_ = 2e-4;
  int64_t near_bicubic_ = 0;
  bool inserted_ = false;
};

/// The constraints' loss with its gradients.
struct ConstraintLoss {
  double total = 0.0;
  double bicubic = 0.0;                             ///< That term alone, unweighted.
  std::array<float, kKernelCount> kernel_gradient;  ///< [13, 13]: of all terms that look at the kernel itself.
};

/// imresize's antialiased cubic by 1/2 as a kernel [13, 13] for GeneratorPatch, centred where its patch is.
const std::array<float, kKernelCount>& bicubic_reference_kernel();

/// `kernel` [13, 13]; `output` what it made of a patch, `reference` what `bicubic_reference_kernel` made of it, of one
/// size, which is that of `output_gradient` too: the gradient of the bicubic term is added to it.
ConstraintLoss constraint_loss(std::span<const float, kKernelCount> kernel, std::span<const float> output,
                               std::span<const float> reference, const ConstraintWeights& weights,
                               std::span<float> output_gradient);

}  // namespace zsr::kernelgan
