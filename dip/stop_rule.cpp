#include "dip/stop_rule.h"

#include <torch/types.h>

#include <algorithm>
#include <limits>

namespace zsr::dip {

VarianceRule::VarianceRule(int64_t window, int64_t patience, int64_t values)
    : window_(window),
      patience_(patience),
      values_(values),
      variance_(std::numeric_limits<double>::infinity()),
      lowest_(std::numeric_limits<double>::infinity()) {}

bool VarianceRule::add(const torch::Tensor& output) {
  const torch::Tensor flat = output.detach().reshape(-1);
  if (!places_.defined()) {
    values_ = std::min(values_, flat.numel());
    // A stride prime to the row length would do; evenly spread places are as good and need no thought.
    places_ = torch::linspace(0.0, static_cast<double>(flat.numel() - 1), values_, torch::kFloat64)
                  .round()
                  .to(torch::kInt64)
                  .to(flat.device());
    ring_.assign(static_cast<size_t>(window_ * values_), 0.0F);
    sums_.assign(static_cast<size_t>(values_), 0.0);
    squares_.assign(static_cast<size_t>(values_), 0.0);
  }
  const torch::Tensor seen = flat.index_select(0, places_).to(torch::kCPU).to(torch::kFloat32).contiguous();
  const float* const now = seen.data_ptr<float>();
  float* const old = ring_.data() + steps_ % window_ * values_;
  double sum = 0.0;
  const auto length = static_cast<double>(window_);
  for (int64_t i = 0; i < values_; ++i) {
    const auto at = static_cast<size_t>(i);
    const double leaving = old[i];
    const double coming = now[i];
    sums_[at] += coming - leaving;
    squares_[at] += coming * coming - leaving * leaving;
    old[i] = now[i];
    sum += squares_[at] / length - sums_[at] / length * (sums_[at] / length);
  }
  ++steps_;
  if (steps_ < window_) return false;
  variance_ = sum / static_cast<double>(values_);
  if (variance_ >= lowest_) return false;
  lowest_ = variance_;
  best_step_ = steps_;
  return true;
}

bool VarianceRule::finished() const {
  return best_step_ > 0 && steps_ - best_step_ >= patience_;
}

}  // namespace zsr::dip
