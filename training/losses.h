#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr::training {

/// One term of the loss and its weight.
struct LossTerm {
  std::string name;     ///< One of `pixel_losses()`.
  double weight = 1.0;  ///< > 0.
};

/// "l1" (mean absolute error), "l2" (mean square), "charbonnier" (sqrt(d^2 + 1e-6); Lai et al. 2017) and "tv" (mean
/// absolute difference of neighbouring pixels of the result; looks at no target).
const std::vector<std::string>& pixel_losses();

/// "l1" or "l1:1,tv:0.01" -> terms. Throws OptionError naming what is not understood and listing what is.
std::vector<LossTerm> parse_losses(const std::string& text);

/// Weighted sum of the terms, means over all of `made` and `target` [N, C, H, W]; differentiable in `made`.
torch::Tensor pixel_loss(const std::vector<LossTerm>& terms, const torch::Tensor& made, const torch::Tensor& target);

}  // namespace zsr::training
