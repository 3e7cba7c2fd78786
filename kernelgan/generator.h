#pragma once

#include "core/aligned.h"
#include "kernelgan/flat_parameters.h"
#include "kernelgan/patch_loops.h"

#include <torch/types.h>

#include <array>
#include <span>

namespace zsr::kernelgan {

/// The deep linear generator of KernelGAN: convolutions 7, 5, 3, 1, 1, 1 of 64 channels without bias or activation, the
/// last with stride 2, the same for each colour. It never runs as such: the chain is one 13 x 13 kernel, composed from
/// the last layer backwards, and the gradient of that kernel goes the same way back to each layer (tested against
/// autograd through the layer-by-layer network in double precision). Real is float, or double for that test.
template <class Real>
class Generator {
 public:
  static constexpr int64_t kParameters = 150'656;

  explicit Generator(Random& random);

  /// The layers as one kernel, with what its gradient needs; one may be used again and again.
  struct Composition {
    std::array<Real, kKernelCount> kernel;  ///< [13, 13], correlation order.
    AlignedVector<Real> row4;               // [64]: the last layer joined to the one above, and so on
    AlignedVector<Real> row3;
    AlignedVector<Real> outer;    // [64, 9]: down to the 3 x 3 layer
    AlignedVector<Real> middle;   // [64, 49]: down to the 5 x 5 layer
    AlignedVector<Real> inner;    // [64, 64]: the 7 x 7 layer, padded
    AlignedVector<Real> scratch;  // products before they are added up at their places
  };
  void compose(Composition& made) const;
  Composition compose() const {
    Composition made;
    compose(made);
    return made;
  }
  /// Gradient of all parameters, flat in their order, from that of the kernel [13, 13].
  void gradient(Composition& made, std::span<const Real, kKernelCount> kernel_gradient, std::span<Real> flat) const;

  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }

 private:
  FlatParameters parameters_;
};

/// A patch laid out so that kernels can be applied to it.
template <class Real>
class GeneratorPatch {
 public:
  /// Takes 64 x 64 pixels of `photo` [1, C, H, W], contiguous and of that type, from (top, left) on.
  void take(const torch::Tensor& photo, int64_t top, int64_t left);
  /// Values of what `shrink` makes: C * 26 * 26.
  int64_t count() const { return channels_ * kOutputCount; }
  /// The patch under `kernel` [13, 13], every second pixel, no padding: [C, 26, 26].
  void shrink(std::span<const Real, kKernelCount> kernel, std::span<Real> out) const;
  /// Gradient of the kernel, [13, 13], from that of its output.
  std::array<Real, kKernelCount> kernel_gradient(std::span<const Real> output_gradient) const;

 private:
  const Real* plane(int64_t channel) const { return planes_.data() + channel * kGeneratorPatch * kGeneratorPatch; }
  int64_t channels_ = 0;
  AlignedVector<Real> planes_;  // [C, 64, 2, 32] and the overrun
};

}  // namespace zsr::kernelgan
