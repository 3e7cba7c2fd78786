#pragma once

#include "training/adversary.h"
#include "training/content_features.h"

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

namespace zsr::training {

/// One term of the loss and its weight.
struct LossTerm {
  std::string name;     ///< One of `loss_names()`.
  double weight = 1.0;  ///< > 0.
};

/// "l1" (mean absolute error), "l2" (mean square), "charbonnier" (sqrt(d^2 + 1e-6); Lai et al. 2017), "tv" (mean
/// absolute difference of neighbouring pixels of the result), "cycle" (l1 of the result made smaller by imresize
/// against the input), "content" (ContentFeatures) and "adversarial" (Adversary).
const std::vector<std::string>& loss_names();

/// "l1", "l1:1,tv:0.01" or, the same, "1*l1+0.01*tv" -> terms. Throws OptionError naming what is not understood and
/// listing what is.
std::vector<LossTerm> parse_losses(const std::string& text);

/// Whether `terms` has one of that name.
bool has_term(const std::vector<LossTerm>& terms, const std::string& name);

/// What some terms need.
struct LossHelpers {
  std::shared_ptr<const ContentFeatures> features;  ///< Of "content".
  const Adversary* adversary = nullptr;             ///< Of "adversarial".
};

/// Weighted sum of the terms, means over all of `made` and `target` [N, 3, H, W]; `input` [N, 3, h, w] what `made` was
/// made of. Differentiable in `made`. Throws OptionError when a term lacks its helper.
torch::Tensor total_loss(const std::vector<LossTerm>& terms, const LossHelpers& helpers, const torch::Tensor& made,
                         const torch::Tensor& target, const torch::Tensor& input);

}  // namespace zsr::training
