#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Multi-scale residual block: 3x3 and 5x5 convolutions side by side, twice, each seeing both of the first ones.
Value msrn_block(Graph& g, Value x, const std::string& name, int64_t width) {
  const auto both = [&](Value y, const std::string& number, int64_t out) {
    const Value three = g.relu(g.conv(name + "conv_3_" + number, y, out));
    return g.concat({three, g.relu(g.conv(name + "conv_5_" + number, y, out, {.side = 5}))});
  };
  const Value made = both(both(x, "1", width), "2", 2 * width);
  return g.conv(name + "confusion", made, width, {.side = 1}) + x;
}

// MSRN (Li, Fang, Mei and Zhang, ECCV 2018).
Graph msrn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  const Value head = g.conv("head.0", into_colors(g, g.input(config.channels), config), width);
  std::vector<Value> made;
  Value x = head;
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    made.push_back(x = msrn_block(g, x, fmt::format("body.{}.", i), width));
  }
  made.push_back(head);
  x = g.conv("tail.1", g.conv("tail.0", g.concat(made), width, {.side = 1}), width);
  x = g.conv("tail.3", shuffled_up(g, x, "tail.2.", config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

std::optional<Config> read_msrn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("body.0.conv_3_1.weight") || !shapes.has("tail.2.0.weight")) return std::nullopt;
  const int64_t width = shapes.size("head.0.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {shuffled_scale(shapes, "tail.2.", width)};
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(shapes.count("body.", ".confusion.weight")));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind msrn() {
  Kind kind{"msrn", "MSRN (Li et al. 2018)", read_msrn, msrn_graph};
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"depth", "multi-scale residual blocks", 8, 1, 32},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
