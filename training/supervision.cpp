#include "training/supervision.h"

#include "core/error.h"
#include "image/resize.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::training {

void SupervisionOptions::validate() const {
  if (results != "final" && results != "all") {
    throw OptionError(fmt::format("supervision = '{}', must be final or all", results));
  }
  if (steps < 0) throw OptionError(fmt::format("supervision_steps = {}, must be >= 0", steps));
}

double companion_weight(const SupervisionOptions& options, int64_t step, int64_t steps) {
  const int64_t end = std::max<int64_t>(1, options.steps > 0 ? options.steps : steps / 2);
  return std::max(0.0, 1.0 - static_cast<double>(step) / static_cast<double>(end));
}

torch::Tensor supervised_loss(networks::Supervision rule, double weight, const Network::Results& results,
                              const torch::Tensor& target, const ResultLoss& loss) {
  const torch::Tensor own = loss(results.made, target);
  if (results.on_the_way.empty()) return own;
  torch::Tensor others;     // weighted by the pixels of each
  double all_pixels = 0.0;  // of the others, as parts of the result's
  for (const Network::Intermediate& item : results.on_the_way) {
    const torch::Tensor small =
        item.size == 1.0 ? target : imresize(target.to(torch::kCPU), {item.size, item.size}).to(target.device());
    const double pixels = item.size * item.size;
    const torch::Tensor one = loss(item.made, small) * pixels;
    others = others.defined() ? others + one : one;
    all_pixels += pixels;
  }
  if (rule == networks::Supervision::kFalling) return weight * (others / all_pixels) + (1.0 - weight) * own;
  return (own + others) / (1.0 + all_pixels);
}

}  // namespace zsr::training
