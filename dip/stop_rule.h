#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::dip {

/// The running variance of a training output over the last `window` steps, on some thousand of its values. It falls
/// while the image takes shape, is lowest about where the image is best, and rises as noise is learnt (Wang et al.,
/// "Early stopping for deep image prior", TMLR 2023, algorithm 1).
class VarianceRule {
 public:
  /// `values` of the output are watched, spread evenly.
  VarianceRule(int64_t window, int64_t patience, int64_t values = 8192);

  /// After each step. True when this step's variance is the lowest so far: the moment to keep the image.
  bool add(const torch::Tensor& output);
  /// Whether the lowest variance lies `patience` steps back.
  bool finished() const;
  /// Of the last step, squared units of the output; infinite before the window is full.
  double variance() const { return variance_; }
  /// Step, counted from 1, of the lowest variance; 0 before the window is full.
  int64_t best_step() const { return best_step_; }

 private:
  int64_t window_;
  int64_t patience_;
  int64_t values_;
  int64_t steps_ = 0;
  int64_t best_step_ = 0;
  double variance_;
  double lowest_;
  torch::Tensor places_;
  std::vector<float> ring_;  // window x values
  std::vector<double> sums_, squares_;
};

}  // namespace zsr::dip
