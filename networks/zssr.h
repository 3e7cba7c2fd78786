#pragma once

#include "nn/graph.h"

#include <cstdint>

namespace zsr::networks {

/// ZSSR's own network (Shocher, Cohen and Irani, CVPR 2018): `depth` convolutions 3x3 of `width` channels without bias,
/// ReLU between them, from `channels` to `outputs`.
nn::Graph zssr_graph(int64_t channels, int64_t width, int64_t depth, int64_t outputs);

/// A starting point of ZSSR (zssr/start.h) for a photo of `colors` channels: EDSR's trunk without biases, conditioned
/// on kStartMaps maps, and one convolution for all pixels of the output. It gives what the cubically enlarged photo
/// lacks.
nn::Graph zssr_start_graph(int64_t colors, int64_t width, int64_t blocks, int64_t scale);

}  // namespace zsr::networks
