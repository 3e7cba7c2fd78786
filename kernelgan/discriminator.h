#pragma once

#include "kernelgan/flat_parameters.h"

#include <torch/types.h>

#include <vector>

namespace zsr::kernelgan {

/// The patch discriminator of KernelGAN: a 7 x 7 convolution to 64 channels, five times 1 x 1 convolution, batch
/// normalisation and ReLU, a 1 x 1 convolution to a map in (0, 1); spectral normalisation on every convolution (one
/// power iteration a pass, Miyato et al. 2018). All convolutions run as matrix products on [channels, pixels].
class Discriminator {
 public:
  static constexpr int64_t kPatch = 26;  ///< Side of its input.
  static constexpr int64_t kMap = 20;    ///< Side of its map.

  /// `channels` 1 or 3.
  Discriminator(int64_t channels, Random& random, torch::Dtype dtype = torch::kFloat32);

  /// `patch` [1, C, 26, 26] -> [400] in (0, 1): near 1 where it believes in the patch. Each call does one power
  /// iteration and normalises by its own batch statistics, as the training mode of the published network.
  torch::Tensor forward(const torch::Tensor& patch);

  FlatParameters& parameters() { return parameters_; }

 private:
  // The weights of convolution `index`, [out, in], divided by their largest singular value.
  torch::Tensor normalized(size_t index);

  int64_t channels_;
  FlatParameters parameters_;
  std::vector<torch::Tensor> left_;  // singular vectors of each convolution
  std::vector<torch::Tensor> right_;
};

}  // namespace zsr::kernelgan
