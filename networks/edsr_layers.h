#pragma once

#include "core/conv/conv_layer.h"

#include <cstdint>
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

}  // namespace zsr::networks
