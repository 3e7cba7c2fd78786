#pragma once

#include "kernelgan/flat_parameters.h"

#include <torch/types.h>

namespace zsr::kernelgan {

/// The deep linear generator of KernelGAN: convolutions 7, 5, 3, 1, 1, 1 of 64 channels without bias or activation, the
/// last with stride 2, the same for each colour. It never runs as such: the chain is one 13 x 13 kernel, composed from
/// the last layer backwards, and autograd through that composition gives each layer the gradient it would have had
/// (tested against the layer-by-layer network in double precision).
class Generator {
 public:
  static constexpr int64_t kKernelSize = 13;
  static constexpr int64_t kParameters = 150'656;

  explicit Generator(Random& random, torch::Dtype dtype = torch::kFloat32);

  /// [13, 13]: the layers as one kernel, correlation order. Differentiable.
  torch::Tensor kernel() const;
  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }

 private:
  FlatParameters parameters_;
};

/// A patch laid out once so that kernels can be applied to it as matrix products.
class GeneratorPatch {
 public:
  /// `patch` [1, C, h, w], contiguous, at least 13 x 13.
  explicit GeneratorPatch(const torch::Tensor& patch);
  /// The patch under `kernel` [13, 13], every second pixel, no padding: [1, C, (h - 11) / 2, (w - 11) / 2].
  torch::Tensor shrunken(const torch::Tensor& kernel) const;
  const torch::Tensor& image() const { return image_; }

 private:
  torch::Tensor image_;
  int64_t height_;
  int64_t width_;
  torch::Tensor columns_;  // [C, 169, pixels]
};

}  // namespace zsr::kernelgan
