#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kRlfnLeak = 0.05;

// The authors' names, and those of their entry of NTIRE 2022.
struct RlfnNames {
  const char* first;
  const char* block;
  const char* second;
};
constexpr RlfnNames kRlfnNames[] = {{"conv_1", "block_", "conv_2"}, {"fea_conv", "B", "LR_conv"}};

const RlfnNames& rlfn_names(const Config& config) {
  return kRlfnNames[config.naming == "ntire" ? 1 : 0];
}

// Residual local feature block: three convolutions, the input added, spatial attention.
Value rlfn_block(Graph& g, Value x, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  Value y = x;
  for (const char* const part : {"c1_r", "c2_r", "c3_r"}) {
    const int64_t out = std::string(part) == "c3_r" ? width : config.whole("inner");
    y = g.leaky_relu(g.conv(name + part, y, out), kRlfnLeak);
  }
  y = g.conv(name + "c5", y + x, width, {.side = 1});
  return spatial_attention(g, y, name + "esa.", {.few = config.whole("few"), .middle = {"conv3"}});
}

// RLFN (Kong et al., CVPRW 2022; winner of NTIRE 2022's efficient super-resolution in run time).
Graph rlfn_graph(const Config& config) {
  const RlfnNames& names = rlfn_names(config);
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const double range = config.number("color_range");
  Graph g;
  const Value first = g.conv(names.first, g.input(config.channels) * range, width);
  Value x = first;
  for (int64_t b = 1; b <= config.whole("depth"); ++b)
    x = rlfn_block(g, x, fmt::format("{}{}.", names.block, b), config);
  x = g.conv(names.second, x, width) + first;
  g.output(g.shuffle(g.conv("upsampler.0", x, config.channels * scale * scale), scale) * (1.0 / range), scale);
  return g;
}

std::optional<Config> read_rlfn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  config.naming = shapes.has("fea_conv.weight") ? "ntire" : "";
  const RlfnNames& names = rlfn_names(config);
  const std::string block = fmt::format("{}1.", names.block);
  if (!shapes.has(block + "c3_r.weight") || !shapes.has(block + "esa.conv3.weight") ||
      shapes.has(block + "c1_d.weight")) {
    return std::nullopt;
  }
  config.channels = shapes.photo_channels(names.first);
  config.scales = {shapes.shuffle_factor("upsampler.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size(std::string(names.first) + ".weight", 0)));
  config.set("inner", static_cast<double>(shapes.size(block + "c1_r.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count(names.block, ".c1_r.weight", 1)));
  config.set("few", static_cast<double>(shapes.size(block + "esa.conv1.weight", 0)));
  config.set("color_range", shapes.remark("color_range", 0.0));
  return config;
}

Config with_rlfn_range(Config config, const WeightsFile& weights) {
  return with_color_range(std::move(config), weights, rlfn_graph);
}

}  // namespace

Kind rlfn() {
  Kind kind{"rlfn", "RLFN (Kong et al. 2022)", read_rlfn, rlfn_graph};
  kind.traits.least_side = SpatialAttention::kLeastSide;
  kind.fields = {{"width", "channels", 52, 4, 256},
                 {"inner", "channels inside a block", 52, 4, 256},
                 {"depth", "residual local feature blocks", 6, 1, 32},
                 {"few", "channels inside the spatial attention", 16, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_rlfn_range;
  return kind;
}

}  // namespace zsr::networks
