#pragma once

#include "core/random.h"
#include "zssr/formation.h"
#include "zssr/options.h"

#include <torch/types.h>

#include <vector>

namespace zsr::zssr {

/// A batch of training examples, float32 in [0, 1].
struct Pairs {
  torch::Tensor son;     ///< [B, C, h, w].
  torch::Tensor base;    ///< [B, C, H, W], the son cubic-upscaled.
  torch::Tensor father;  ///< [B, C, H, W].
};

/// An image that fathers are cut from, and its scale relative to the photo.
struct FatherSource {
  torch::Tensor image;  ///< [1, C, H, W] float32 CPU.
  double scale = 1.0;
};

/// Draws father/son pairs from the photo and, in gradual mode, the results of earlier steps.
class PairSampler {
 public:
  PairSampler(const Options& options, const Formation& formation, std::vector<FatherSource> sources);

  /// With a starting point (kPyramid) the right quarter of every father is kept back; else all of it serves.
  Pairs draw(Random& random) const;
  /// Pairs of what is kept back. Only with a starting point.
  Pairs draw_kept_back(Random& random) const;

  /// The son of `father` [N, C, H, W] as training makes it: down, plus noise, clamped. Size ceil(size / scale).
  torch::Tensor make_son(const torch::Tensor& father, Random& random) const;

 private:
  torch::Tensor draw_affine(Random& random) const;
  torch::Tensor draw_crops(Random& random, double from, double to) const;
  Pairs pairs_of(torch::Tensor father, Random& random) const;
  torch::Tensor shuffled(const torch::Tensor& crop, Random& random) const;

  const Options& options_;
  const Formation& formation_;
  std::vector<FatherSource> sources_;
  std::vector<torch::Tensor> pyramid_;  // kPyramid: fathers, largest first
  std::vector<double> chance_;          // cumulative, by area
};

}  // namespace zsr::zssr
