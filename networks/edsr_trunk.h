#pragma once

#include "nn/graph.h"

#include <cstdint>
#include <string>

namespace zsr::networks {

/// EDSR's trunk (Lim, Son, Kim, Nah and Lee, CVPRW 2017), which several networks here share: a head, residual blocks
/// without normalisation, and a sum over all of them.
struct EdsrTrunk {
  int64_t width = 64;
  int64_t blocks = 16;
  double residual_scale = 1.0;  ///< What the second convolution of a block is multiplied by.
  int64_t channels = 3;         ///< Of the result.
  bool bias = true;
  bool basicsr_names = false;  ///< "body.0.conv1" of BasicSR instead of "body.0.body.0" of EDSR-PyTorch.
};

nn::Value edsr_trunk(nn::Graph& graph, nn::Value x, const EdsrTrunk& trunk);

/// Convolutions with pixel shuffles by 2 or 3 (x4: by 2 twice), and the convolution that gives the colours.
nn::Value edsr_tail(nn::Graph& graph, nn::Value x, const EdsrTrunk& trunk, int64_t scale);

}  // namespace zsr::networks
