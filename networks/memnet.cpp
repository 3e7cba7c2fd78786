#include "networks/all_kinds.h"
#include "networks/blocks.h"

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

// An image of what each memory block made, by one convolution for all behind a normalisation of each block's own, and
// their weighted sum: the paper's multi-supervised output. Its weights begin alike.
Value memnet_ensemble(Graph& g, const std::vector<Value>& blocks, Value image) {
  SharedLayers shared(g);
  std::vector<Value> made;
  for (size_t m = 0; m < blocks.size(); ++m) {
    const Value normal = g.relu(g.normalise(fmt::format("reconstructor.{}.bn", m), blocks[m], nn::Norm::kBatch));
    made.push_back(shared.conv("reconstructor.conv", normal, 1, {.bias = false}) + image);
    g.intermediate(fmt::format("memory block {}", m + 1), made.back(), 1, 1);
  }
  const Value result = g.conv("ensemble", g.concat(made), 1, {.side = 1, .bias = false});
  g.begin("ensemble.weight", {static_cast<float>(1.0 / static_cast<double>(made.size()))});
  return result;
}

// MemNet (Tai, Yang, Liu and Xu, ICCV 2017) as its PyTorch codes are, whose residual units share no weights: memory
// blocks on the cubically enlarged luma, each with a gate over its own units and all blocks before. The result is that
// of the last block, as in those codes, or the paper's sum over all blocks.
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
  const bool all = config.whole("outputs") != 0;
  g.output(
      all ? memnet_ensemble(g, {kept.begin() + 1, kept.end()}, image) : memnet_conv(g, x, "reconstructor", 1) + image,
      1);
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
  config.set("outputs", shapes.has("ensemble.weight") ? 1.0 : 0.0);
  return config;
}

}  // namespace

Kind memnet() {
  Kind kind{"memnet", "MemNet (Tai et al. 2017)", read_memnet, memnet_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"depth", "memory blocks", 6, 1, 32},
                 {"units", "residual units of a block", 6, 1, 32},
                 {"outputs", "1: a result of each block and their sum, as in the paper; 0: the last block's", 0, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  kind.supervision = Supervision::kEqual;
  return kind;
}

}  // namespace zsr::networks
