#pragma once

#include "nn/kernels/winograd/kernels.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::winograd {

/// One 3x3 convolution of stride 1 over images of Note [Winograd layout], and its gradients. What lies in an image's
/// border of one pixel is what the convolution sees there: zeros, or whatever the caller has put. Keeps buffers for the
/// next call; not for concurrent calls.
class Convolver {
 public:
  explicit Convolver(const Kernels& kernels);
  ~Convolver();

  /// `to` = `from` convolved with `weight` ([out, in, 3, 3] contiguous), then the epilogue. `backward`: with the
  /// channels' roles exchanged and the filters turned half around, the gradient of the input for `from`, the gradient
  /// of the output with zeros around it.
  void convolve(const float* from, const ImageShape& from_shape, const torch::Tensor& weight, bool backward, float* to,
                const ImageShape& to_shape, const Epilogue& epilogue);

  /// An image whose channels stand beside those of others.
  struct Source {
    const float* image;
    ImageShape shape;
  };
  /// Forward, of several images side by side; all but the last have whole blocks.
  void convolve(const std::vector<Source>& from, const torch::Tensor& weight, float* to, const ImageShape& to_shape,
                const Epilogue& epilogue);
  /// Writes the gradient of the weights, and of the bias unless null. Equal inputs and thread counts give equal bytes.
  void accumulate_gradients(const float* image, const ImageShape& image_shape, const float* gradient,
                            const ImageShape& gradient_shape, torch::Tensor& weight_gradient,
                            torch::Tensor* bias_gradient);

 private:
  struct Threads;
  void run(const std::vector<Source>& from, const torch::Tensor& weight, bool backward, float* to,
           const ImageShape& to_shape, const Epilogue& epilogue);
  const Kernels& kernels_;
  torch::Tensor transformed_weights_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace zsr::winograd
