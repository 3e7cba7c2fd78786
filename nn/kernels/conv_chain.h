#pragma once

#include "nn/kernels/conv_backend.h"
#include "nn/kernels/conv_layer.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr {

/// A sequence of 3x3 convolutions, with sums, activations and pixel shuffles between them, run as one operation. On the
/// CPU the activations stay in the blocked layout of the Winograd kernels from the first layer to the last, forward and
/// backward, in reused buffers; elsewhere, and in double precision, it is a sequence of at::conv2d. All parameters live
/// in one flat tensor, layer by layer, weight [out, in, 3, 3] then bias [out] then slopes [out], so that an optimiser
/// steps once.
///
/// The backends agree to about 1e-4 relative (Winograd rounds more; tests state the tolerance). Gradients flow to the
/// parameters and, when it asks for them, the input; not twice (no double backward).
class ConvChain {
 public:
  /// Throws OptionError when neighbouring layers do not fit. A layer that shuffles leaves a multiple of 16 channels.
  explicit ConvChain(std::vector<ConvLayer> layers, ConvBackend backend = preferred_conv_backend());
  ~ConvChain();
  ConvChain(ConvChain&&) noexcept;
  ConvChain& operator=(ConvChain&&) noexcept;

  const std::vector<ConvLayer>& layers() const;
  ConvBackend backend() const;
  /// Number of parameters, all layers together.
  int64_t parameter_count() const;
  /// View [out, in, 3, 3] of layer `index`'s weight inside the flat `parameters` [parameter_count()].
  torch::Tensor weight(const torch::Tensor& parameters, size_t index) const;
  /// View [out] of its bias; undefined when the layer has none.
  torch::Tensor bias(const torch::Tensor& parameters, size_t index) const;

  /// View [out] of its slopes; undefined when the layer has none.
  torch::Tensor slope(const torch::Tensor& parameters, size_t index) const;

  /// [N, C_first, H, W] float32 -> [N, C_last, H s, W s], s the product of the shuffles. `parameters` is flat, float32
  /// (float64 runs on at::conv2d).
  torch::Tensor forward(const torch::Tensor& input, const torch::Tensor& parameters) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace zsr
