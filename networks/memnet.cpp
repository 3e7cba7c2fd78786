#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Batch normalisation, ReLU, convolution.
Value memnet_conv(Graph& g, Value x, const std::string& name, int64_t out, int64_t side = 3) {
  const Value normal = g.relu(g.normalise(name + ".bn", x, nn::Norm::kBatch));
  return g.conv(name + ".conv", normal, out, {.side = side, .bias = false});
}

// MemNet (Tai, Yang, Liu and Xu, ICCV 2017) as its PyTorch codes are, whose residual units share no weights and that
// have one output: memory blocks on the cubically enlarged luma, each with a gate over its own units and all blocks
// before.
Graph memnet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  const Value image = g.input(1);
  Value x = memnet_conv(g, image, "feature_extractor", width);
  std::vector<Value> kept{x};
  for (int64_t m = 0; m < config.whole("depth"); ++m) {
    std::vector<Value> seen;
    for (int64_t r = 0; r < config.whole("units"); ++r) {
      const std::string name = fmt::format("dense_memory.{}.recursive_unit.{}.relu_conv", m, r);
      x = memnet_conv(g, memnet_conv(g, x, name + "1", width), name + "2", width) + x;
      seen.push_back(x);
    }
    seen.insert(seen.end(), kept.begin(), kept.end());
    x = memnet_conv(g, g.concat(seen), fmt::format("dense_memory.{}.gate_unit", m), width, 1);
    kept.push_back(x);
  }
  g.output(memnet_conv(g, x, "reconstructor", 1) + image, 1);
  return g;
}

std::optional<Config> read_memnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("feature_extractor.conv.weight") || !shapes.has("dense_memory.0.gate_unit.conv.weight")) {
    return std::nullopt;
  }
  Config config;
  config.set("width", static_cast<double>(shapes.size("feature_extractor.conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("dense_memory.", ".gate_unit.conv.weight")));
  config.set("units", static_cast<double>(shapes.count("dense_memory.0.recursive_unit.", ".relu_conv1.conv.weight")));
  return config;
}

}  // namespace

Kind memnet() {
  Kind kind{"memnet", "MemNet (Tai et al. 2017)", read_memnet, memnet_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"depth", "memory blocks", 6, 1, 32},
                 {"units", "residual units of a block", 6, 1, 32}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
