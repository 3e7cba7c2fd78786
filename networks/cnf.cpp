#include "networks/all_kinds.h"

#include <fmt/format.h>

#include <vector>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// CNF (Ren, El-Khamy and Lee, CVPRW 2017) as its paper describes it: chains of convolutions of different length, and so
// of different context, each make the whole result from the cubically enlarged luma; a convolution for each of them
// weighs it, and the sum is the result. No code and no widths are public, so no published file fits; names are zsr's
// own, and the default sizes have about as many parameters as the 337 thousand that the paper counts. The paper trains
// chain by chain, then the fusion, then all; zsr trains all of it at once.
Graph cnf_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  const Value image = g.input(1);
  std::vector<Value> made;
  for (int64_t chain = 0; chain < config.whole("chains"); ++chain) {
    const int64_t layers = config.whole("depth") + chain * config.whole("step");
    Value x = image;
    for (int64_t i = 0; i + 1 < layers; ++i) x = g.relu(g.conv(fmt::format("chains.{}.{}", chain, i), x, width));
    x = g.conv(fmt::format("chains.{}.{}", chain, layers - 1), x, 1);
    made.push_back(g.conv(fmt::format("fusion.{}", chain), x, 1));
  }
  g.output(made.size() == 1 ? made.front() : g.sum(made), 1);
  return g;
}

std::optional<Config> read_cnf(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("chains.0.0.weight") || !shapes.has("fusion.0.weight")) return std::nullopt;
  const int64_t chains = shapes.count("fusion.", ".weight");
  const int64_t first = shapes.count("chains.0.", ".weight");
  Config config;
  config.set("width", static_cast<double>(shapes.size("chains.0.0.weight", 0)));
  config.set("chains", static_cast<double>(chains));
  config.set("depth", static_cast<double>(first));
  config.set("step", chains < 2 ? shapes.remark("step", 3.0)
                                : static_cast<double>(shapes.count("chains.1.", ".weight") - first));
  return config;
}

}  // namespace

Kind cnf() {
  Kind kind{"cnf", "CNF (Ren et al. 2017), as described", read_cnf, cnf_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 32, 8, 128},
                 {"chains", "networks that are fused", 3, 1, 8},
                 {"depth", "convolutions of the shortest", 11, 3, 32},
                 {"step", "how many more each following one has", 3, 0, 16}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
