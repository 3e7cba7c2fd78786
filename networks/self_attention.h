#pragma once

#include "nn/graph.h"
#include "nn/weights/weights_file.h"

#include <string>
#include <vector>

namespace zsr::networks {

// Attention over all pixels or between channels, which several networks use. LibTorch computes it, with its gradients,
// on any device and in any type.

/// Attention of each pixel to all pixels, without a factor before the softmax: queries and keys [N, D, H, W], values
/// [N, C, H, W] to [N, C, H, W]. `over_queries`: the weights of a key sum to 1 over all queries; otherwise those of a
/// query sum to 1 over all keys.
nn::Value pixel_attention(nn::Graph& graph, nn::Value query, nn::Value key, nn::Value value, bool over_queries = false);

/// Which pixels channels are compared over.
enum class ChannelRegion {
  kWhole,   ///< All.
  kWindow,  ///< Those of one window of side x side pixels.
  kGrid,    ///< Those at the same place in every window.
};

/// Attention of each channel to the channels of its head (El-Nouby et al. 2021): [N, 3 C, H, W], queries, keys and
/// values, to [N, C, H, W]. Queries and keys are divided by their length over the pixels of a region; products are
/// multiplied by the head's number in the parameter `temperature` [heads, 1, 1]. `side` divides H and W, but for
/// kWhole.
nn::Value channel_attention(nn::Graph& graph, nn::Value x, const std::string& temperature, int64_t heads,
                            ChannelRegion region = ChannelRegion::kWhole, int64_t side = 1);

/// Linear layers of published files are matrices, those of the graphs 1x1 convolutions: matrices whose names end so
/// get two more dimensions of length 1.
WeightsFile with_linear_layers(WeightsFile weights, const std::vector<std::string>& endings);

}  // namespace zsr::networks
