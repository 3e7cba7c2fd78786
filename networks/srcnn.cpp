#include "networks/all_kinds.h"

#include <torch/types.h>

namespace zsr::networks {
namespace {

// SRCNN (Dong, Loy, He and Tang, ECCV 2014; 9-1-5, 9-3-5 or 9-5-5): three convolutions on the cubically enlarged luma.
nn::Graph srcnn_graph(const Config& config) {
  nn::Graph g;
  nn::Value x = g.relu(g.conv("conv1", g.input(1), config.whole("width"), {.side = 9}));
  x = g.relu(g.conv("conv2", x, config.whole("narrow"), {.side = config.whole("middle")}));
  g.output(g.conv("conv3", x, 1, {.side = 5}), 1);
  return g;
}

std::optional<Config> read_srcnn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const bool known = shapes.size("conv1.weight", 1) == 1 && shapes.size("conv1.weight", 2) == 9 &&
                     shapes.has("conv2.weight") && shapes.has("conv3.weight");
  if (!known) return std::nullopt;
  Config config;
  config.set("width", static_cast<double>(shapes.size("conv1.weight", 0)));
  config.set("narrow", static_cast<double>(shapes.size("conv2.weight", 0)));
  config.set("middle", static_cast<double>(shapes.size("conv2.weight", 2)));
  return config;
}

}  // namespace

Kind srcnn() {
  Kind kind{"srcnn", "SRCNN (Dong et al. 2014)", read_srcnn, srcnn_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels of the first convolution", 64, 8, 256},
                 {"narrow", "channels of the second", 32, 8, 256},
                 {"middle", "side of the second convolution", 5, 1, 9}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
