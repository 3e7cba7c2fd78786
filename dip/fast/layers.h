#pragma once

#include "dip/fast/image.h"
#include "dip/fast/parallel.h"
#include "nn/kernels/winograd/convolver.h"

namespace zsr::dip {

/// The convolutions of an hourglass, forward and backward, on images of Note [Winograd layout]. None has a bias: the
/// normalisation behind it takes every constant away. Keeps buffers for the next call; not for concurrent calls.
class Layers {
 public:
  explicit Layers(const winograd::Kernels& kernels) : kernels_(kernels), convolver_(kernels) {}

  /// 1x1. `weight` [out, in, 1, 1]. Returns the sums of `to` and of its squares.
  Sums pointwise(const View& from, const torch::Tensor& weight, Image& to);
  /// Writes the gradient of the weight. `below`, unless null: gets the gradient of what `from` is seen as, before its
  /// activation, where `add` on top of what it holds; returns the sums of it and of it times from's image.
  Sums pointwise_gradient(const View& from, const torch::Tensor& weight, const Gradient& gradient,
                          torch::Tensor weight_gradient, Image* below, bool add);

  /// 3x3, stride 2, borders reflected. `weight` [out, in, 3, 3]; even sides. Returns the sums of `to`.
  Sums halving(const View& from, const torch::Tensor& weight, Image& to);
  /// `below`, unless null: gets the gradient of what `from` is seen as (after its activation).
  void halving_gradient(const View& from, const torch::Tensor& weight, const Gradient& gradient,
                        torch::Tensor weight_gradient, Image* below);

  /// 3x3, borders reflected; writes the border of `from`. `weight` [out, in, 3, 3] contiguous.
  void same(Image& from, const torch::Tensor& weight, Image& to);
  /// `gradient` of the output, zeros around it. `below`, unless null, gets the gradient of `from`.
  void same_gradient(const Image& from, const torch::Tensor& weight, const Image& gradient,
                     torch::Tensor weight_gradient, Image* below);

 private:
  void halving_weight_gradient(const View& from, const Gradient& gradient, torch::Tensor weight_gradient);
  void halving_input_gradient(const torch::Tensor& weight, const Gradient& gradient, Image& below);
  void fold_border(const Image& gradient, const torch::Tensor& weight, Image& below);

  const winograd::Kernels& kernels_;
  winograd::Convolver convolver_;
  Scratch scratch_;
};

}  // namespace zsr::dip
