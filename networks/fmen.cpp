#include "networks/all_kinds.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kFmenLeak = 0.1;
constexpr int64_t kFmenFirstUnits = 2;  // of the first attention block; the others have one

// Two convolutions: enhanced residual blocks whose branches are merged.
Value fmen_unit(Graph& g, Value x, const std::string& name) {
  const int64_t width = g.node(x.node).channels;
  const Value inner = g.leaky_relu(g.conv(name + "conv1.rep_conv", x, width), kFmenLeak);
  return g.conv(name + "conv2.rep_conv", inner, width);
}

// High-frequency attention: every value is weighed by a sigmoid of what a few channels make of it.
Value fmen_attention(Graph& g, Value x, const std::string& name, int64_t few, int64_t units) {
  Value y = g.leaky_relu(g.conv(name + "squeeze", x, few), kFmenLeak);
  for (int64_t i = 0; i < units; ++i) y = fmen_unit(g, y, fmt::format("{}convs.{}.", name, i));
  y = g.leaky_relu(y, kFmenLeak);
  return x * g.sigmoid(g.conv(name + "excitate", y, g.node(x.node).channels));
}

// FMEN (Du et al., CVPRW 2022), its branches merged into plain convolutions.
Graph fmen_graph(const Config& config) {
  const bool contest = config.naming == "ntire";
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const double range = config.number("color_range");
  Graph g;
  const Value head = g.conv("head", g.input(config.channels) * range, width);
  Value x = g.conv("warmup.0", head, width);
  x = fmen_attention(g, x, "warmup.1.", config.whole("first_few"), kFmenFirstUnits);
  for (int64_t b = 0; b < config.whole("depth"); ++b) {
    x = fmen_unit(g, x, fmt::format("{}.{}.", contest ? "basic_blocks" : "ERBs", b));
    x = fmen_attention(g, x, fmt::format("{}.{}.", contest ? "hfabs" : "HFABs", b), config.whole("few"), 1);
  }
  x = g.conv("lr_conv", x, width) + head;
  g.output(g.shuffle(g.conv("tail.0", x, config.channels * scale * scale), scale) * (1.0 / range), scale);
  return g;
}

std::optional<Config> read_fmen(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("warmup.1.squeeze.weight") || !shapes.has("lr_conv.weight")) return std::nullopt;
  Config config;
  config.naming = shapes.has("hfabs.0.squeeze.weight") ? "ntire" : "";
  const std::string attention = config.naming == "ntire" ? "hfabs." : "HFABs.";
  config.channels = shapes.photo_channels("head");
  config.scales = {shapes.shuffle_factor("tail.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("head.weight", 0)));
  config.set("first_few", static_cast<double>(shapes.size("warmup.1.squeeze.weight", 0)));
  config.set("few", static_cast<double>(shapes.size(attention + "0.squeeze.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count(attention, ".squeeze.weight")));
  config.set("color_range", shapes.remark("color_range", 0.0));
  return config;
}

Config with_fmen_range(Config config, const WeightsFile& weights) {
  return with_color_range(std::move(config), weights, fmen_graph);
}

}  // namespace

Kind fmen() {
  Kind kind{"fmen", "FMEN (Du et al. 2022)", read_fmen, fmen_graph};
  kind.fields = {{"width", "channels", 50, 4, 256},
                 {"depth", "pairs of residual and attention blocks", 4, 1, 32},
                 {"first_few", "channels inside the first attention block", 12, 1, 64},
                 {"few", "channels inside the other attention blocks", 16, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_fmen_range;
  return kind;
}

}  // namespace zsr::networks
