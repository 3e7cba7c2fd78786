#pragma once

#include "nn/graph.h"

namespace zsr::networks {

/// The mean colour of DIV2K, in [0, 1], which EDSR and its kin subtract before and add after. Their published files
/// repeat it in frozen layers, "sub_mean" and "add_mean".
inline constexpr float kDiv2kMean[] = {0.4488F, 0.4371F, 0.4040F};

/// Its luma (BT.601, 16 to 235 of 255), for networks of one channel.
inline constexpr float kDiv2kLuma = 0.4379F;

inline nn::Value subtract_mean(nn::Graph& graph, nn::Value image) {
  if (graph.node(image.node).channels == 1) return graph.shift(image, {-kDiv2kLuma});
  return graph.shift(image, {-kDiv2kMean[0], -kDiv2kMean[1], -kDiv2kMean[2]});
}
inline nn::Value add_mean(nn::Graph& graph, nn::Value image) {
  if (graph.node(image.node).channels == 1) return graph.shift(image, {kDiv2kLuma});
  return graph.shift(image, {kDiv2kMean[0], kDiv2kMean[1], kDiv2kMean[2]});
}

}  // namespace zsr::networks
