#pragma once

#include "kernelgan/flat_parameters.h"

#include <torch/types.h>

namespace zsr::kernelgan {

/// The deep linear generator of KernelGAN: convolutions 7, 5, 3, 1, 1, 1 of 64 channels without bias or activation, the
/// last with stride 2, the same for each colour. It never runs as such: the chain is one 13 x 13 kernel, composed from
/// the last layer backwards, and the gradient of that kernel goes the same way back to each layer (tested against
/// autograd through the layer-by-layer network in double precision).
class Generator {
 public:
  static constexpr int64_t kKernelSize = 13;
  static constexpr int64_t kParameters = 150'656;

  explicit Generator(Random& random, torch::Dtype dtype = torch::kFloat32);

  /// The layers as one kernel, with what its gradient needs.
  struct Composition {
    torch::Tensor kernel;  ///< [13, 13], correlation order.
    torch::Tensor row5;    // [1, 64]: the last layer, then the layers above joined to it
    torch::Tensor row4;
    torch::Tensor row3;
    torch::Tensor outer;   // [64, 9]: down to the 3 x 3 layer
    torch::Tensor middle;  // [64, 49]: down to the 5 x 5 layer
  };
  Composition compose() const;
  /// Gradient of all parameters, flat in their order, from that of the kernel [13, 13].
  torch::Tensor gradient(const Composition& composition, const torch::Tensor& kernel_gradient) const;
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
  /// Gradient of the kernel, [13, 13], from that of its output.
  torch::Tensor kernel_gradient(const torch::Tensor& output_gradient) const;

 private:
  int64_t channels_;
  int64_t height_;
  int64_t width_;
  torch::Tensor columns_;  // [169, C * pixels]
};

}  // namespace zsr::kernelgan
