#pragma once

#include "dip/options.h"

#include <torch/types.h>

namespace zsr::dip {

/// What the photo says about the image behind it.
class Observation {
 public:
  /// `photo` [1, C, h, w] in [0, 1]; kernel, phase, mask and task of `options`.
  Observation(const torch::Tensor& photo, const Options& options);

  /// The photo that `image` [1, C, h * scale, w * scale] would give; differentiable.
  torch::Tensor predict(const torch::Tensor& image) const;
  /// Mean squared difference to the photo, all pixels counted, those behind the mask as equal.
  torch::Tensor loss(const torch::Tensor& image) const;

 private:
  torch::Tensor photo_;
  torch::Tensor mask_;
  int64_t scale_;
  std::optional<BlurKernel> kernel_;
  torch::Tensor lanczos_;  // [C, 1, k, k]
};

/// Lanczos with two lobes for the factor `scale`, around the middle of scale x scale HR pixels, sum 1. [4 scale, 4
/// scale] as the release has it for even factors (models/downsampler.py, 'lanczos2', phase 0.5); [4 scale - 1, 4 scale
/// - 1] for odd ones, whose middle is a pixel.
torch::Tensor lanczos_filter(int64_t scale);

}  // namespace zsr::dip
