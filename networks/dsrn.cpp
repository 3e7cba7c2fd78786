#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <optional>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// DSRN (Han et al., CVPR 2018): a state at the photo's size and one at the result's, which exchange what they know at
// every step, with the same weights. The published code enlarges by 2; for 3 and 4 the transposed convolution and the
// pooling between the states are as wide as the scale, as the paper says.
Graph dsrn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  SharedLayers layers(g);
  const auto link = [&](const std::string& name, Value x) {
    return layers.conv(name + ".conv2", g.relu(layers.conv(name + ".conv1", x, width)), width);
  };
  const Value image = g.input(config.channels);
  const Value entry = g.relu(g.conv("InputNet.in_0", image, width / 2));
  Value low = g.relu(g.conv("InputNet.in_1", entry, width));
  std::optional<Value> high;
  std::vector<Value> made;
  const int64_t steps = config.whole("recurrences");
  for (int64_t step = 1; step < steps; ++step) {
    const Value up =
        layers.transposed_conv("RecurrentNet.up", low, width, {.side = scale, .stride = scale, .padding = 0});
    const Value next = high ? g.sum({*high, link("RecurrentNet.s2s2", *high), up}) : up;
    if (step + 1 < steps) {
      const Value own = g.sum({low, link("RecurrentNet.s1s1", low)});
      low = g.relu(high ? own + g.pool(*high, nn::Pooling::kMean, scale, scale) : own);
    }
    high = g.relu(next);
    made.push_back(*high);
  }
  const Value mean = g.sum(made) * (1.0 / static_cast<double>(made.size()));
  const Value lacking = g.conv("out", mean, config.channels, {.side = 1});
  g.output(lacking + g.resize(image, nn::Interpolation::kImresize, scale), scale);
  return g;
}

std::optional<Config> read_dsrn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("InputNet.in_1.weight") || !shapes.has("RecurrentNet.up.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("InputNet.in_0");
  config.scales = {shapes.size("RecurrentNet.up.weight", 2)};
  config.set("width", static_cast<double>(shapes.size("InputNet.in_1.weight", 0)));
  config.set("recurrences", shapes.remark("recurrences", 7.0));
  return config;
}

}  // namespace

Kind dsrn() {
  Kind kind{"dsrn", "DSRN (Han et al. 2018)", read_dsrn, dsrn_graph};
  kind.fields = {{"width", "channels of each state", 128, 8, 512, 2},
                 {"recurrences", "states one after another, the first included", 7, 3, 32}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
