#pragma once

#include "core/random.h"
#include "dip/skip_spec.h"

#include <torch/types.h>

#include <memory>

namespace zsr::dip {

/// The network of SkipSpec with all parameters in one flat tensor. On the CPU it runs, forward and backward, in the
/// blocked layout of the Winograd kernels (fast/hourglass.h); elsewhere, in double precision, and for filters 5x5, as a
/// sequence of LibTorch operations. One forward pass at a time.
class SkipNetwork {
 public:
  /// Weights drawn from `random` as PyTorch's layers draw theirs: uniform in +-1 / sqrt(fan in). Throws OptionError.
  SkipNetwork(const SkipSpec& spec, Random& random, torch::Device device = torch::kCPU);
  ~SkipNetwork();

  const SkipSpec& spec() const { return spec_; }
  const SkipLayout& layout() const { return layout_; }
  /// Flat float32 values, a leaf that requires gradients.
  const torch::Tensor& parameters() const { return parameters_; }

  /// `noise` [1, inputs, H, W] float32, sides multiples of spec().divisor() -> [1, outputs, H, W] in (0, 1).
  /// Differentiable in the parameters, not in the noise.
  torch::Tensor forward(const torch::Tensor& noise) const;
  /// The same as LibTorch operations, for any device and precision; differentiable in the noise too. `parameters` flat.
  torch::Tensor by_torch(const torch::Tensor& noise, const torch::Tensor& parameters) const;

  /// Bytes that a training step on an image of that size needs at its highest, the noise and Adam included; fast path.
  static int64_t step_bytes(const SkipSpec& spec, int64_t height, int64_t width);

 private:
  struct Fast;
  SkipSpec spec_;
  SkipLayout layout_;
  torch::Tensor parameters_;
  std::shared_ptr<Fast> fast_;  // null where only LibTorch serves
};

/// What the network is fed with for an image of that size: uniform in [0, 0.1) (get_noise of the release), [1, inputs,
/// H, W] with the sides of SkipSpec::canvas.
torch::Tensor draw_input(const SkipSpec& spec, int64_t height, int64_t width, uint64_t seed);

/// A block of `slices` on `x` [1, C, H, W]: x plus a mapped average over all places of the image, weighted by how alike
/// they are to each (Wang et al., CVPR 2018, dot product, keys and values at half size; DIPFKP/model). As in the
/// release the normalisation behind it begins with gain 0.
torch::Tensor non_local_block(const NonLocalSlices& slices, const torch::Tensor& x, const torch::Tensor& parameters);

}  // namespace zsr::dip
