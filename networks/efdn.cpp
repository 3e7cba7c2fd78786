#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kEfdnCells = 4;

// Three convolutions in turn; thin 1x1 branches of all stages are joined, weighed and added.
Value efdn_cell(Graph& g, Value x, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  std::vector<Value> stages{x};
  const auto add = [&](const std::string& part, const std::string& inside, int64_t side) {
    const Value made = g.conv(name + part + inside, stages.back(), width, {.side = side});
    stages.push_back(g.prelu(name + part + ".act", made));
  };
  add("conv1", ".conv1x1", 1);
  add("conv2", ".rep_conv", 3);
  add("conv3", ".rep_conv", 3);
  std::vector<Value> thin;
  for (size_t i = 0; i < stages.size(); ++i) {
    thin.push_back(g.conv(fmt::format("{}branch.{}", name, i), stages[i], width / 2, {.side = 1}));
  }
  const Value fused = g.conv(name + "fuse", g.concat(thin), width, {.side = 1});
  const SpatialAttention attention{.few = config.whole("few"), .middle = {"conv_max", "conv3", "conv3_"}};
  return spatial_attention(g, fused, name + "att.", attention) + x;
}

// EFDN (Wang, CVPRW 2022), its edge-enhanced convolutions merged into plain ones. The last fusion takes the second
// cell, not the third, as the authors' code does.
Graph efdn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const double range = config.number("color_range");
  Graph g;
  const Value head = g.conv("head", g.input(config.channels) * range, width);
  const auto cell = [&](int64_t i, Value x) { return efdn_cell(g, x, fmt::format("cells.{}.", i), config); };
  const auto fuse = [&](int64_t i, Value a, Value b) {
    return g.conv(fmt::format("local_fuse.{}", i), g.concat({a, b}), width, {.side = 1});
  };
  const Value first = cell(0, head);
  const Value second = cell(1, first);
  const Value third = cell(2, fuse(0, first, second));
  const Value fourth = cell(3, fuse(1, second, third));
  const Value x = fuse(2, second, fourth) + head;
  g.output(g.shuffle(g.conv("tail.0", x, config.channels * scale * scale), scale) * (1.0 / range), scale);
  return g;
}

std::optional<Config> read_efdn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("cells.0.conv1.conv1x1.weight") || shapes.count("cells.", ".fuse.weight") != kEfdnCells) {
    return std::nullopt;
  }
  Config config;
  config.channels = shapes.photo_channels("head");
  config.scales = {shapes.shuffle_factor("tail.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("head.weight", 0)));
  config.set("few", static_cast<double>(shapes.size("cells.0.att.conv1.weight", 0)));
  config.set("color_range", shapes.remark("color_range", 0.0));
  return config;
}

Config with_efdn_range(Config config, const WeightsFile& weights) {
  return with_color_range(std::move(config), weights, efdn_graph);
}

}  // namespace

Kind efdn() {
  Kind kind{"efdn", "EFDN (Wang 2022)", read_efdn, efdn_graph};
  kind.traits.least_side = SpatialAttention::kLeastSide;
  kind.fields = {{"width", "channels", 48, 8, 256, 4},
                 {"few", "channels inside the spatial attention", 12, 1, 64},
                 {"color_range", "colours go from 0 to this", 1, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_efdn_range;
  return kind;
}

}  // namespace zsr::networks
