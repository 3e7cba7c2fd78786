#pragma once

#include "networks/config.h"
#include "nn/graph.h"

#include <torch/types.h>

#include <cmath>
#include <utility>
#include <vector>

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

/// What a published file says of the colours: "color_range", 255 or 1, and the mean, where it is not DIV2K's (RCAN was
/// trained with DF2K's too).
inline void read_colors(const WeightsFile& weights, Config& config) {
  static const char* const names[] = {"mean_red", "mean_green", "mean_blue"};
  constexpr double kEqual = 2e-4;
  const FileShapes shapes(weights);
  const torch::Tensor* const shift = weights.find("sub_mean.bias");
  torch::Tensor bias = torch::zeros({0});
  if (shift != nullptr && shift->numel() == 3) bias = shift->to(torch::kFloat64).flatten();
  const bool unit = bias.numel() > 0 && bias.abs().max().item<double>() < 2.0;
  const double range = shapes.remark("color_range", unit ? 1.0 : 255.0);
  config.set("color_range", range);
  for (int64_t c = 0; c < 3; ++c) {
    const double usual = kDiv2kMean[c];
    const double mean = shapes.remark(names[c], bias.numel() > 0 ? -bias[c].item<double>() / range : usual);
    if (std::abs(mean - usual) > kEqual) config.set(names[c], mean);
  }
}

/// Those means with that sign.
inline std::vector<float> mean_of(const Config& config, float sign) {
  if (config.channels == 1) return {sign * kDiv2kLuma};
  const auto& own = config.numbers();
  std::vector<float> mean;
  for (const auto& [name, usual] : {std::pair("mean_red", kDiv2kMean[0]), std::pair("mean_green", kDiv2kMean[1]),
                                    std::pair("mean_blue", kDiv2kMean[2])}) {
    const auto found = own.find(name);
    mean.push_back(sign * (found == own.end() ? usual : static_cast<float>(found->second)));
  }
  return mean;
}

/// The photo around its mean, times the range of colours; and back.
inline nn::Value into_colors(nn::Graph& graph, nn::Value image, const Config& config) {
  return graph.shift(image, mean_of(config, -1.0F)) * config.number("color_range");
}
inline nn::Value out_of_colors(nn::Graph& graph, nn::Value image, const Config& config) {
  return graph.shift(image * (1.0 / config.number("color_range")), mean_of(config, 1.0F));
}

}  // namespace zsr::networks
