#pragma once

#include "nn/kernels/conv_layer.h"
#include "nn/kernels/winograd/convolver.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::winograd {

/// Parameters of one layer, or their gradients: contiguous float32, undefined where the layer has none.
struct LayerTensors {
  torch::Tensor weight;  ///< [out, in, 3, 3].
  torch::Tensor bias;    ///< [out].
  torch::Tensor slope;   ///< [out].
};

/// Forward and backward of a chain of convolutions for any input size, in the layout of Note [Winograd layout] from the
/// first layer to the last. Keeps buffers for the next call; not for concurrent calls. Equal inputs, thread counts and
/// kernels give equal bytes.
class Chain {
 public:
  explicit Chain(std::vector<ConvLayer> layers, const Kernels& kernels);
  ~Chain();

  /// Images of one training forward pass, consumed by `backward`.
  struct Activations {
    int64_t batch = 0;
    int64_t height = 0;
    int64_t width = 0;
    std::vector<torch::Tensor> images;  ///< Input, then every layer's output, flat.
  };

  /// [N, C, H, W] float32 contiguous -> [N, C_last, H s, W s], s the product of the layers' shuffles.
  torch::Tensor infer(const torch::Tensor& input, const std::vector<LayerTensors>& parameters);
  /// The same, keeping what `backward` needs in `activations`.
  torch::Tensor forward(const torch::Tensor& input, const std::vector<LayerTensors>& parameters,
                        std::shared_ptr<Activations>& activations);
  /// Writes the gradients of weights and biases into `gradients` (views shaped like the parameters). Returns the
  /// gradient of the input when `needs_input_gradient`, else an undefined tensor.
  torch::Tensor backward(const torch::Tensor& gradient, const std::vector<LayerTensors>& parameters,
                         const std::shared_ptr<Activations>& activations, bool needs_input_gradient,
                         std::vector<LayerTensors>& gradients);

 private:
  struct Image {
    torch::Tensor data;
    ImageShape shape;
    float* values() const { return data.data_ptr<float>(); }
  };

  // Image 0 is the input, image i the output of layer i - 1.
  ImageShape shape_of(size_t image) const;
  ImageShape convolved_shape(size_t layer) const;
  void set_input(int64_t batch, int64_t height, int64_t width);
  std::shared_ptr<Image> free_image(const ImageShape& shape);
  void forward_layer(size_t layer, const LayerTensors& parameters, const float* from, const float* add, float* to);
  std::shared_ptr<Activations> take_activations();

  std::vector<ConvLayer> layers_;
  std::vector<int64_t> enlargement_;  // of each image against the input
  std::vector<size_t> last_use_;      // the last layer that reads each image
  Convolver convolver_;
  int64_t batch_ = 0;
  int64_t height_ = 0;
  int64_t width_ = 0;
  std::vector<std::shared_ptr<Activations>> spare_;  // of finished training passes
  std::vector<std::shared_ptr<Image>> pool_;         // of inference and of the running gradient; zero borders
};

}  // namespace zsr::winograd
