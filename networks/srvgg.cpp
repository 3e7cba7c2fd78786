#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

// PyTorch counts "body.0", "body.1", ... with the slopes at odd places; ncnn says "Conv_0", "PRelu_1".
std::string conv_name(const std::string& naming, int64_t index) {
  return fmt::format("{}{}", naming == "ncnn" ? "Conv_" : "body.", 2 * index);
}
std::string slope_name(const std::string& naming, int64_t index) {
  return fmt::format("{}{}", naming == "ncnn" ? "PRelu_" : "body.", 2 * index + 1);
}

// SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021): a plain chain of convolutions with learned slopes, one pixel
// shuffle, and the enlarged pixels themselves added.
nn::Graph srvgg_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const int64_t depth = config.whole("depth");
  nn::Graph g;
  const nn::Value image = g.input(config.channels);
  nn::Value x = image;
  for (int64_t i = 0; i < depth; ++i) {
    x = g.prelu(slope_name(config.naming, i), g.conv(conv_name(config.naming, i), x, width));
  }
  x = g.conv(conv_name(config.naming, depth), x, config.channels * scale * scale);
  g.output(g.shuffle(x, scale) + g.nearest(image, scale), scale);
  return g;
}

std::optional<Config> read_srvgg(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("Conv_0.weight")) config.naming = "ncnn";
  const torch::Tensor* const slope = weights.find(slope_name(config.naming, 0) + ".weight");
  const torch::Tensor* const first = weights.find(conv_name(config.naming, 0) + ".weight");
  if (slope == nullptr || slope->dim() != 1 || first == nullptr || first->dim() != 4 || first->size(2) != 3 ||
      (first->size(1) != 3 && first->size(1) != 1)) {
    return std::nullopt;
  }
  int64_t depth = 0;
  while (shapes.has(slope_name(config.naming, depth) + ".weight")) ++depth;
  config.channels = first->size(1);
  config.scales = {shapes.shuffle_factor(conv_name(config.naming, depth), config.channels)};
  config.set("width", static_cast<double>(first->size(0)));
  config.set("depth", static_cast<double>(depth));
  return config;
}

}  // namespace

Kind srvgg() {
  Kind kind{"srvgg", "SRVGGNetCompact (Real-ESRGAN, Wang et al. 2021)", read_srvgg, srvgg_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "convolutions with slopes", 33, 2, 128}};
  kind.trainable_scales = {1, 2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
