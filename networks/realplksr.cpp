#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kPlksrNormGroups = 4;

// A mixer of channels, a large convolution of a quarter of them, attention for every value, normalisation.
Value plksr_block(Graph& g, Value image, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t part = width / 4;
  Value x = g.activation(nn::Curve::kMish, g.conv(name + "channel_mixer.0", image, 2 * width));
  x = g.conv(name + "channel_mixer.2", x, width);
  const Value far = g.conv(name + "lk.conv", g.slice(x, 0, part), part, {.side = config.whole("kernel_side")});
  x = g.concat({far, g.slice(x, part, width)});
  if (config.whole("attention") != 0) x = x * g.sigmoid(g.conv(name + "attn.f.0", x, width));
  x = g.conv(name + "refine", x, width, {.side = 1});
  return g.normalise(name + "norm", x, nn::Norm::kGroup, 1e-5, kPlksrNormGroups) + image;
}

// RealPLKSR, of PLKSR (Lee, Yun and Ro 2024), as neosr and traiNNer have it: partial large convolutions, the nearest
// neighbours added.
Graph realplksr_graph(const Config& config) {
  const int64_t depth = config.whole("depth");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  Value x = g.conv("feats.0", image, config.whole("width"));
  for (int64_t i = 1; i <= depth; ++i) x = plksr_block(g, x, fmt::format("feats.{}.", i), config);
  // One place is a layer that does nothing outside training.
  x = g.conv(fmt::format("feats.{}", depth + 2), x, config.channels * scale * scale);
  g.output(g.shuffle(x, scale) + g.nearest(image, scale), scale);
  return g;
}

std::optional<Config> read_realplksr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("feats.1.channel_mixer.0.weight") || !shapes.has("feats.1.lk.conv.weight")) return std::nullopt;
  Config config;
  const int64_t depth = shapes.count("feats.", ".lk.conv.weight", 1);
  config.channels = shapes.photo_channels("feats.0");
  config.scales = {shapes.shuffle_factor(fmt::format("feats.{}", depth + 2), config.channels)};
  config.set("width", static_cast<double>(shapes.size("feats.0.weight", 0)));
  config.set("depth", static_cast<double>(depth));
  config.set("kernel_side", static_cast<double>(shapes.size("feats.1.lk.conv.weight", 2)));
  config.set("attention", shapes.has("feats.1.attn.f.0.weight") ? 1.0 : 0.0);
  return config;
}

}  // namespace

Kind realplksr() {
  Kind kind{"realplksr", "RealPLKSR (Lee et al. 2024)", read_realplksr, realplksr_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "blocks", 28, 1, 64},
                 {"kernel_side", "side of the large convolutions, odd", 17, 3, 31},
                 {"attention", "1: attention for every value", 1, 0, 1}};
  kind.trainable_scales = {1, 2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
