#include "zssr/slope_rule.h"

#include <cmath>
#include <numeric>

namespace zsr::zssr {

LineFit fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0.0;
  double xy = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  const double slope = xy / xx;
  double residual = 0.0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = y[i] - mean_y - slope * (x[i] - mean_x);
    residual += error * error;
  }
  return {slope, std::sqrt(residual / (n - 4.0) / xx)};
}

SlopeRule::SlopeRule(const Options& options) : options_(options), learning_rate_(options.training.learning_rate) {}

void SlopeRule::add_test(int64_t step, double error) {
  steps_.push_back(static_cast<double>(step));
  errors_.push_back(error);
}

void SlopeRule::after_step(int64_t step) {
  if ((step + 1) % options_.slope_rule.check_every != 0 || step - last_change_ <= options_.slope_rule.min_steps) return;
  const auto points = static_cast<std::ptrdiff_t>(options_.slope_rule.range / options_.slope_rule.test_every);
  if (static_cast<std::ptrdiff_t>(steps_.size()) < points) return;
  const LineFit fit = fit_line({steps_.end() - points, steps_.end()}, {errors_.end() - points, errors_.end()});
  if (-options_.slope_rule.ratio * fit.slope < fit.sigma) {
    learning_rate_ /= 10.0;
    last_change_ = step;
  }
}

}  // namespace zsr::zssr
