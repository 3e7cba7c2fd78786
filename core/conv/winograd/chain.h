#pragma once

#include "core/conv/conv_layer.h"
#include "core/conv/winograd/kernels.h"

#include <torch/types.h>

#include <map>
#include <memory>
#include <vector>

namespace zsr::winograd {

/// Forward and backward of a chain of convolutions for any input size, in the layout of Note [Winograd layout] from the
/// first layer to the last. Keeps buffers for the next call; not for concurrent calls. Equal inputs, thread counts and
/// kernels give equal bytes.
class Chain {
 public:
  explicit Chain(std::vector<ConvLayer> layers, const Kernels& kernels);
  ~Chain();

  /// Activations of one training forward pass, consumed by `backward`.
  struct Activations {
    int64_t batch = 0;
    int64_t height = 0;
    int64_t width = 0;
    std::vector<torch::Tensor> images;  ///< Input, then every layer's output, flat.
  };

  /// [N, C, H, W] float32 contiguous -> [N, C_last, H, W]. `weights[i]` [out, in, 3, 3] contiguous, `biases[i]` [out]
  /// or undefined.
  torch::Tensor infer(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                      const std::vector<torch::Tensor>& biases);
  /// The same, keeping what `backward` needs in `activations`.
  torch::Tensor forward(const torch::Tensor& input, const std::vector<torch::Tensor>& weights,
                        const std::vector<torch::Tensor>& biases, std::shared_ptr<Activations>& activations);
  /// Writes gradients into `weight_gradients` / `bias_gradients` (contiguous views shaped like the parameters). Returns
  /// the gradient of the input when `needs_input_gradient`, else an undefined tensor.
  torch::Tensor backward(const torch::Tensor& gradient, const std::vector<torch::Tensor>& weights,
                         const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                         std::vector<torch::Tensor>& weight_gradients, std::vector<torch::Tensor>& bias_gradients);

 private:
  struct Threads;

  ImageShape shape_of(const torch::Tensor& input, size_t image) const;
  void convolve(const float* from, const ImageShape& from_shape, const torch::Tensor& weight, bool backward, float* to,
                const ImageShape& to_shape, const Epilogue& epilogue);
  void accumulate_gradients(const float* image, const ImageShape& image_shape, const float* gradient,
                            const ImageShape& gradient_shape, torch::Tensor& weight_gradient,
                            torch::Tensor* bias_gradient);
  torch::Tensor padded_bias(const torch::Tensor& bias, int64_t blocks) const;
  std::shared_ptr<Activations> take_activations(const torch::Tensor& input);
  float* scratch_image(size_t index, const ImageShape& shape);

  std::vector<ConvLayer> layers_;
  const Kernels& kernels_;
  std::vector<std::shared_ptr<Activations>> spare_;  // of finished training passes
  struct ScratchImage {
    torch::Tensor data;
    ImageShape shape;
  };
  std::vector<ScratchImage> scratch_;  // images of inference and of the running gradient
  torch::Tensor transformed_weights_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace zsr::winograd
