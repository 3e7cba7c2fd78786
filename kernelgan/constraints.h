#pragma once

#include <torch/types.h>

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

struct ConstraintLoss {
  torch::Tensor total;
  torch::Tensor bicubic;  ///< That term alone, unweighted.
};

/// The constraints' loss. `kernel` [13, 13]; `input` the generator's patch [1, C, h, w] in [-1, 1], `output` what it
/// made.
ConstraintLoss constraint_loss(const torch::Tensor& kernel, const torch::Tensor& input, const torch::Tensor& output,
                               const ConstraintWeights& weights);

}  // namespace zsr::kernelgan
