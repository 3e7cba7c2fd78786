#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::networks {

/// Rows or columns that a photo is continued by, at its begin and at its end.
struct Margin {
  int64_t begin = 0;
  int64_t end = 0;
};

/// Margins for a side of `length` pixels that is continued by mirroring: at least `wanted` pixels at both ends, as far
/// as there are so many, and at the end as many more as make the whole a length that Fourier transforms are fast for
/// (a product of 2, 3 and 5).
Margin mirrored_margin(int64_t length, int64_t wanted);

/// `image` [N, C, H, W] with its margins blended towards a version that is smooth across its own ends, so that an image
/// that is continued periodically has no seam to ring from.
torch::Tensor seamless(const torch::Tensor& image, Margin rows, Margin columns);

}  // namespace zsr::networks
