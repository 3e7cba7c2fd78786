#pragma once

#include "core/random.h"

#include <torch/types.h>

#include <array>
#include <vector>

namespace zsr::kernelgan {

/// Where to cut training patches: places are drawn with the probability of their gradients, so that flat parts of the
/// photo, which say nothing of its blur, are seldom seen (the authors' util.py and data.py).
class CropSampler {
 public:
  /// `map` [h, w]: how much there is to learn from each pixel, >= 0; patches of `side` pixels.
  CropSampler(const torch::Tensor& map, int64_t side);
  /// Top left corner (y, x) of the next patch, both even.
  std::array<int64_t, 2> draw(Random& random) const;

 private:
  int64_t side_;
  int64_t height_;
  int64_t width_;
  std::vector<double> cumulative_;
};

/// Gradients of `image` [1, C, h, w] as a map [h, w]: |d/dx|, |d/dy| and their length, clipped at the 97th percentile,
/// scaled to 1, blurred 5 x 5 and added.
torch::Tensor gradient_map(const torch::Tensor& image);

}  // namespace zsr::kernelgan
