#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// The wavelet residual network of Bae, Yoo and Ye (CVPRW 2017) as their paper describes it: finds what the Haar bands
// of the cubically enlarged luma have too much, by modules of convolutions with batch normalisation whose input goes
// around them. Its widths stand in no public code, so no published file fits; names and default sizes are zsr's own.
Graph waveresnet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  const auto layer = [&](const std::string& name, Value x) {
    const Value made = g.conv(name + ".conv", x, width, {.bias = false});
    return g.relu(g.normalise(name + ".norm", made, nn::Norm::kBatch));
  };
  const Value bands = g.haar(g.input(1));
  Value x = g.relu(g.conv("first", bands, width));
  for (int64_t m = 0; m < config.whole("modules"); ++m) {
    const Value start = x;
    for (int64_t i = 0; i < config.whole("depth"); ++i) x = layer(fmt::format("modules.{}.{}", m, i), x);
    x = x + start;
  }
  x = g.conv("last", layer("join", x), 4);
  g.output(g.haar(bands + -1.0 * x, true), 1);
  return g;
}

std::optional<Config> read_waveresnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("first.weight") || !shapes.has("modules.0.0.norm.weight") || !shapes.has("join.conv.weight")) {
    return std::nullopt;
  }
  Config config;
  config.set("width", static_cast<double>(shapes.size("first.weight", 0)));
  config.set("modules", static_cast<double>(shapes.count("modules.", ".0.conv.weight")));
  config.set("depth", static_cast<double>(shapes.count("modules.0.", ".conv.weight")));
  return config;
}

}  // namespace

Kind waveresnet() {
  Kind kind{"waveresnet", "wavelet residual network (Bae et al. 2017), as described", read_waveresnet,
            waveresnet_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 64, 8, 320},
                 {"modules", "modules with a way around them", 6, 1, 16},
                 {"depth", "convolutions of a module, with batch normalisation", 6, 1, 16}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
