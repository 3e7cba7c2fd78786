#pragma once

#include "networks/config.h"
#include "nn/graph.h"

namespace zsr::networks {

/// KXNet's graph (networks/kxnet.cpp) as far as its kernel: photo [N, 3, h, w] in [0, 1] -> the blur kernel that the
/// last stage uses, [N, 1, k, k], its sum 1, a correlation before every s-th pixel is taken. Its parameters are those
/// of the network but for the last stage of the image, so that nn::take_parameters serves with
/// "X_stage.<last>." ignored.
nn::Graph kxnet_kernel_graph(const Config& config);

}  // namespace zsr::networks
