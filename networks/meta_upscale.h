#pragma once

#include "networks/network.h"
#include "nn/graph.h"

#include <torch/types.h>

#include <array>
#include <vector>

namespace zsr::networks {

// Meta-SR's enlargement (Hu et al., CVPR 2019): each pixel of the result is a 3x3 convolution of the features around
// the pixel that it lies in, with weights that a small network makes of the scale and of its place in that pixel.

/// That small network's parameters, "P2W.meta_block.0" and "P2W.meta_block.2": `hidden` numbers between three and
/// 9 * width * channels.
std::vector<int32_t> meta_parameters(nn::Graph& graph, int64_t width, int64_t hidden, int64_t channels);

/// The enlargement by a whole factor, with those parameters: [N, width, H, W] to [N, channels, factor H, factor W].
nn::Value meta_upscale(nn::Graph& graph, nn::Value features, const std::vector<int32_t>& parameters, int64_t channels,
                       int64_t factor);

/// The same to any grid. `parameters`: weight, bias, weight, bias. Pixels of the grid outside the features take the
/// nearest.
torch::Tensor meta_upscaled(const torch::Tensor& features, const std::vector<torch::Tensor>& parameters,
                            const OutputGrid& grid);

}  // namespace zsr::networks
