#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kRfdnLeak = 0.05;

// Residual feature distillation block: thin 1x1 branches keep, 3x3 convolutions with their input added go on.
Value rfdn_block(Graph& g, Value x, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t thin = config.whole("thin");
  std::vector<Value> kept;
  for (int64_t i = 1; i <= 3; ++i) {
    kept.push_back(g.leaky_relu(g.conv(fmt::format("{}c{}_d", name, i), x, thin, {.side = 1}), kRfdnLeak));
    x = g.leaky_relu(g.conv(fmt::format("{}c{}_r", name, i), x, width) + x, kRfdnLeak);
  }
  kept.push_back(g.leaky_relu(g.conv(name + "c4", x, thin), kRfdnLeak));
  const Value joined = g.conv(name + "c5", g.concat(kept), width, {.side = 1});
  const SpatialAttention attention{.few = config.whole("few"), .middle = {"conv_max", "conv3", "conv3_"}};
  return spatial_attention(g, joined, name + "esa.", attention);
}

// RFDN (Liu, Tang and Wu, ECCVW 2020; winner of AIM 2020's efficient super-resolution).
Graph rfdn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const double range = config.number("color_range");
  Graph g;
  const Value first = g.conv("fea_conv", g.input(config.channels) * range, width);
  std::vector<Value> made;
  Value x = first;
  for (int64_t b = 1; b <= config.whole("depth"); ++b)
    made.push_back(x = rfdn_block(g, x, fmt::format("B{}.", b), config));
  const Value gathered = g.leaky_relu(g.conv("c.0", g.concat(made), width, {.side = 1}), kRfdnLeak);
  x = g.conv("LR_conv", gathered, width) + first;
  g.output(g.shuffle(g.conv("upsampler.0", x, config.channels * scale * scale), scale) * (1.0 / range), scale);
  return g;
}

std::optional<Config> read_rfdn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("B1.c1_d.weight") || !shapes.has("B1.esa.conv_max.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("fea_conv");
  config.scales = {shapes.shuffle_factor("upsampler.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("fea_conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("B", ".c1_d.weight", 1)));
  config.set("thin", static_cast<double>(shapes.size("B1.c1_d.weight", 0)));
  config.set("few", static_cast<double>(shapes.size("B1.esa.conv1.weight", 0)));
  config.set("color_range", shapes.remark("color_range", 0.0));
  return config;
}

// The authors count colours from 0 to 1, the winner's file of AIM 2020 from 0 to 255. Nothing in it says so, but for
// one of them only a gray area stays as gray as it was.
Config with_rfdn_range(Config config, const WeightsFile& weights) {
  return with_color_range(std::move(config), weights, rfdn_graph);
}

}  // namespace

Kind rfdn() {
  Kind kind{"rfdn", "RFDN (Liu et al. 2020)", read_rfdn, rfdn_graph};
  kind.traits.least_side = 24;  // under which the coarse mask has no pixel
  kind.fields = {{"width", "channels", 48, 16, 256, 16},
                 {"depth", "distillation blocks", 4, 1, 32},
                 {"thin", "channels that each branch keeps", 24, 1, 128},
                 {"few", "channels inside the spatial attention", 12, 1, 64},
                 {"color_range", "colours go from 0 to this", 1, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_rfdn_range;
  return kind;
}

}  // namespace zsr::networks
