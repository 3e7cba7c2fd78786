#pragma once

#include "kernelgan/flat_parameters.h"
#include "kernelgan/side_thread.h"

#include <torch/types.h>

#include <vector>

namespace zsr::kernelgan {

/// The patch discriminator of KernelGAN: a 7 x 7 convolution to 64 channels, five times 1 x 1 convolution, batch
/// normalisation and ReLU, a 1 x 1 convolution to a map in (0, 1); spectral normalisation on every convolution (one
/// power iteration a pass, Miyato et al. 2018). All convolutions run as matrix products on [channels, pixels]; the
/// gradient is written out by hand, pass by pass over memory, and tested against autograd's of the same network.
class Discriminator {
 public:
  static constexpr int64_t kPatch = 26;  ///< Side of its input.
  static constexpr int64_t kMap = 20;    ///< Side of its map.

  /// `channels` 1 or 3.
  Discriminator(int64_t channels, Random& random);

  /// The convolutions' weights divided by their singular values, with what the gradient needs.
  struct Normalized {
    std::vector<torch::Tensor> weight;     // [out, in]
    std::vector<std::vector<float>> left;  // singular vectors
    std::vector<std::vector<float>> right;
    std::vector<float> sigma;
  };
  /// One power iteration on every convolution, as each pass of the published network in training mode begins with. The
  /// weights of several passes can so be had first and the passes then run side by side.
  Normalized normalize();

  /// What a pass leaves behind for its gradient.
  struct Pass {
    Normalized normalized_weights;
    torch::Tensor columns;                  // [C * 49, 400]
    std::vector<torch::Tensor> input;       // of each convolution, [in, 400]
    std::vector<torch::Tensor> normalized;  // batch-normalised, before scale and shift
    std::vector<std::vector<float>> rstd;   // per channel
    torch::Tensor map;                      ///< [400] in (0, 1): near 1 where it believes in the patch.
  };

  /// `patch` [1, C, 26, 26] float32; normalises by its own batch statistics, as the published network in training mode.
  Pass forward(const torch::Tensor& patch, Normalized weights) const;
  Pass forward(const torch::Tensor& patch) { return forward(patch, normalize()); }

  /// Gradient at the patch, [1, C, 26, 26], from that at the map, [400].
  torch::Tensor input_gradient(const Pass& pass, const torch::Tensor& map_gradient) const;
  /// Gradient of all parameters, flat in their order, from that at the map. A `helper` that rests takes half of the
  /// work; the result is the same.
  torch::Tensor parameter_gradient(const Pass& pass, const torch::Tensor& map_gradient,
                                   SideThread* helper = nullptr) const;

  FlatParameters& parameters() { return parameters_; }
  const FlatParameters& parameters() const { return parameters_; }

 private:
  struct Gradients {
    std::vector<torch::Tensor> at_output;  // of each convolution, [out, 400]
    std::vector<torch::Tensor> parts;      // of each parameter, flat
  };
  // From the map down to the output of the first convolution, whose gradient it returns; `all`, where given, receives
  // what the weights' gradients need and the parts of scale and shift.
  torch::Tensor chain(const Pass& pass, const torch::Tensor& map_gradient, Gradients* all) const;
  // Weights and biases of the convolutions first <= i < last.
  void weight_gradients(const Pass& pass, size_t first, size_t last, Gradients& all) const;

  int64_t channels_;
  FlatParameters parameters_;
  std::vector<std::vector<float>> left_;  // singular vectors of each convolution
  std::vector<std::vector<float>> right_;
};

}  // namespace zsr::kernelgan
