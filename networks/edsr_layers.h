#pragma once

#include "nn/kernels/conv_chain.h"
#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace zsr::networks {

/// EDSR (Lim, Son, Kim, Nah and Lee, CVPRW 2017) as one chain of 3x3 convolutions: a head, residual blocks around one
/// long sum, pixel shuffles by 2 or 3 (x4: by 2 twice), and the convolution that gives the colours.
struct EdsrShape {
  int64_t inputs = 3;  ///< Channels of the image that comes in.
  int64_t width = 64;
  int64_t blocks = 16;
  int64_t scale = 2;  ///< 1 to 4.
};

/// All with biases.
std::vector<ConvLayer> edsr_layers(const EdsrShape& shape);

/// The name that the authors' code (EDSR-PyTorch) gives convolution `layer` of them, "head.0" to "tail.1".
std::string edsr_layer_name(const EdsrShape& shape, int64_t layer);

/// What EDSR makes of `input` [N, 3 + maps, h, w], colours in [0, 1] first: its mean colour is taken off them before
/// `chain` (of edsr_layers()) and put back after. -> [N, 3, scale h, scale w]; differentiable in both.
torch::Tensor run_edsr(const ConvChain& chain, const torch::Tensor& input, const torch::Tensor& parameters);

/// The shape of the EDSR in `weights` (under those names), whatever comes in; empty when it holds none.
std::optional<EdsrShape> edsr_shape_of(const WeightsFile& weights);

/// Of one convolution, float32.
struct EdsrWeights {
  torch::Tensor weight;  ///< [out, in, 3, 3].
  torch::Tensor bias;    ///< [out], for colours in [0, 1] (files have them for 0 to 255).
};

/// All convolutions of `weights`, in the order of edsr_layers(). Throws InputError when one is missing or does not fit.
std::vector<EdsrWeights> take_edsr(const WeightsFile& weights, const EdsrShape& shape);

}  // namespace zsr::networks
