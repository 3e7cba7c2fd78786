#pragma once

#include "nn/graph.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr::networks {

// Pixel-recursive super-resolution (Dahl, Norouzi and Shlens, ICCV 2017): a result is drawn pixel by pixel. A
// conditioning network that sees the photo and a prior that sees the pixels drawn before (a PixelCNN; van den Oord et
// al. 2016) give numbers (logits) to the 256 levels of each colour, which are added up.

/// Levels of a colour.
inline constexpr int64_t kColorLevels = 256;

/// How much sharper than it was learned the distribution is that pixels are drawn from: the factor of the logits, as in
/// the paper.
inline constexpr double kSharpness = 1.1;

/// What the graph sees: `lr` [N, 3, h, w] and, each s x s pixels of it as channels of one, `hr` [N, 3, s h, s w], both
/// in [0, 1]. It looks at the pixels of `hr` before each pixel only. Throws OptionError where sizes do not fit.
torch::Tensor recursive_input(const torch::Tensor& lr, const torch::Tensor& hr);

/// What the graph makes, [N, 6 * 256, H, W]: logits of both networks together, then those of the conditioning network
/// alone; red, green, blue, 256 levels each.
struct LevelLogits {
  torch::Tensor both;
  torch::Tensor conditioning;
  explicit LevelLogits(const torch::Tensor& made);
};

/// Mean cross entropy of the levels of `hr` [N, 3, H, W] in [0, 1] under `logits` [N, 3 * 256, H, W], in nats a colour
/// value: minus the mean log-likelihood. Differentiable in `logits`.
torch::Tensor level_entropy(const torch::Tensor& logits, const torch::Tensor& hr);

}  // namespace zsr::networks
