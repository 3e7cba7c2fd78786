#pragma once

#include "zssr/options.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace zsr::zssr {

/// Slope of the least-squares line through (x, y) and the standard deviation of that slope.
struct LineFit {
  double slope = 0.0;
  double sigma = 0.0;
};

/// Fit of at least 5 points; the variance is scaled by residuals / (n - 4), as numpy.polyfit(cov=True) did when ZSSR
/// was released (numpy < 1.16; later ones divide by n - 2).
LineFit fit_line(const std::vector<double>& x, const std::vector<double>& y);

/// The authors' step-size rule: feed it the reconstruction errors; it divides the learning rate by 10 when their slope
/// drowns in noise, and says when to stop (ZSSR.py learning_rate_policy).
class SlopeRule {
 public:
  explicit SlopeRule(const Options& options);

  /// Error of reconstructing the photo from its son, measured at `step`.
  void add_test(int64_t step, double error);
  /// Call once after every step (0-based).
  void after_step(int64_t step);

  double learning_rate() const { return learning_rate_; }
  bool finished() const { return learning_rate_ < options_.slope_rule.min_learning_rate; }

 private:
  const Options& options_;
  double learning_rate_;
  int64_t last_change_ = 0;
  std::vector<double> steps_;
  std::vector<double> errors_;
};

}  // namespace zsr::zssr
