#pragma once

#include <torch/types.h>

namespace zsr::networks {

/// `image` [N, C, H, W] with its margins (`top` rows above and below, `left` columns at both sides) blended towards a
/// version that is smooth across its own ends, so that an image that is taken as a torus has no seam to ring from.
torch::Tensor seamless(const torch::Tensor& image, int64_t top, int64_t left);

}  // namespace zsr::networks
