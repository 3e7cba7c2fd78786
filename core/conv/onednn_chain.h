#pragma once

#include "core/conv/conv_chain.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::onednn {

/// True when oneDNN 2.x is built in and can make a 64-channel convolution with `backend` on this processor.
bool supports(ConvBackend backend);

/// "2.6.3", empty without oneDNN.
std::string version();

/// Forward and backward of a chain for any input size; keeps what can be reused. Not for concurrent calls.
class Chain {
 public:
  Chain(std::vector<ConvLayer> layers, ConvBackend backend);
  ~Chain();

  /// Activations of one training forward pass, handed back by `backward`.
  struct Activations;

  /// [N, C, H, W] float32 contiguous -> [N, C_last, H, W]; `weights[i]` [out, in, 3, 3], `biases[i]` [out] or
  /// undefined.
  torch::Tensor infer(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                      const std::vector<torch::Tensor>& biases);
  torch::Tensor forward(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                        const std::vector<torch::Tensor>& biases, std::shared_ptr<Activations>& activations);
  /// Writes gradients into `weight_gradients` / `bias_gradients` (views shaped like the parameters). Returns the
  /// gradient of the input when `needs_input_gradient`, else an undefined tensor.
  torch::Tensor backward(const torch::Tensor& gradient, const std::vector<torch::Tensor>& weights,
                         const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                         std::vector<torch::Tensor>& weight_gradients, std::vector<torch::Tensor>& bias_gradients);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace zsr::onednn
