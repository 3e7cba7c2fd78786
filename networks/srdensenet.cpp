#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// SRDenseNet (Tong, Li, Liu and Gao, ICCV 2017) in J. Yeo's code (yjn870): dense blocks on the small luma, each of
// which joins its result to its input; a layer sees its own block's results only, the first the block's input.
Graph srdensenet_graph(const Config& config) {
  const int64_t growth = config.whole("growth");
  const int64_t squeezed = config.whole("width");
  Graph g;
  Value x = g.relu(g.conv("conv.conv", g.input(1), growth * config.whole("layers")));
  for (int64_t b = 0; b < config.whole("depth"); ++b) {
    std::vector<Value> made;
    for (int64_t i = 0; i < config.whole("layers"); ++i) {
      const Value seen = made.empty() ? x : made.size() == 1 ? made[0] : g.concat(made);
      made.push_back(g.relu(g.conv(fmt::format("dense_blocks.{}.block.{}.conv", b, i), seen, growth)));
    }
    made.insert(made.begin(), x);
    x = g.concat(made);
  }
  x = g.relu(g.conv("bottleneck.0", x, squeezed, {.side = 1}));
  int64_t place = 0;
  for (int64_t left = config.scales[0]; left > 1; left /= 2, place += 2) {
    const nn::Convolution twice{.side = 3, .stride = 2, .padding = 1, .output_padding = 1};
    x = g.relu(g.transposed_conv(fmt::format("deconv.{}", place), x, squeezed, twice));
  }
  g.output(g.conv("reconstruction", x, 1), config.scales[0]);
  return g;
}

std::optional<Config> read_srdensenet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("dense_blocks.0.block.0.conv.weight") || !shapes.has("deconv.0.weight")) return std::nullopt;
  Config config;
  config.scales = {int64_t{1} << shapes.count("deconv.", ".weight", 0, 2)};
  config.set("growth", static_cast<double>(shapes.size("dense_blocks.0.block.0.conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("dense_blocks.", ".block.0.conv.weight")));
  config.set("layers", static_cast<double>(shapes.count("dense_blocks.0.block.", ".conv.weight")));
  config.set("width", static_cast<double>(shapes.size("bottleneck.0.weight", 0)));
  return config;
}

}  // namespace

Kind srdensenet() {
  Kind kind{"srdensenet", "SRDenseNet (Tong et al. 2017)", read_srdensenet, srdensenet_graph};
  kind.traits.channels = 1;
  kind.fields = {{"growth", "channels that a layer adds", 16, 4, 64},
                 {"depth", "dense blocks", 8, 1, 32},
                 {"layers", "layers of a block", 8, 2, 32},
                 {"width", "channels while enlarging", 256, 8, 512}};
  kind.trainable_scales = {2, 4};
  return kind;
}

}  // namespace zsr::networks
