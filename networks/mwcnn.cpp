#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kMwcnnLevels = 3;

class MwcnnLayers {
 public:
  explicit MwcnnLayers(Graph& graph) : g_(graph) {}
  Value conv(const std::string& name, Value x, int64_t out) { return g_.relu(g_.conv(name + ".body.0", x, out)); }
  // Two dilated convolutions.
  Value block(const std::string& name, Value x, int64_t first, int64_t second) {
    const int64_t width = g_.node(x.node).channels;
    x = g_.relu(g_.conv(name + ".body.0", x, width, {.dilation = first}));
    return g_.relu(g_.conv(name + ".body.2", x, width, {.dilation = second}));
  }
  // The published files have both differences of neighbours the other way round.
  Value split(Value x) { return turned(g_.haar(x)); }
  Value join(Value x) { return g_.haar(turned(x), true); }

 private:
  Value turned(Value bands) {
    const int64_t quarter = g_.node(bands.node).channels / 4;
    const Value middle = g_.slice(bands, quarter, 3 * quarter) * -1.0;
    return g_.concat({g_.slice(bands, 0, quarter), middle, g_.slice(bands, 3 * quarter, 4 * quarter)});
  }
  Graph& g_;
};

// MWCNN (Liu, Zhang, Zhang, Lin and Zuo, CVPRW 2018), the second version of the authors' code: a U-net on the cubically
// enlarged luma that halves and doubles the size by Haar wavelets.
Graph mwcnn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  MwcnnLayers layers(g);
  const Value image = g.input(1);
  std::vector<Value> levels;
  Value x = layers.block("d_l0.0", layers.conv("head.0", image, width), 2, 1);
  levels.push_back(x);
  for (int64_t level = 1; level < kMwcnnLevels; ++level) {
    const std::string name = fmt::format("d_l{}.", level);
    x = layers.conv(name + "0", layers.split(x), width << level);
    levels.push_back(x = layers.block(name + "1", x, 2, 1));
  }
  const int64_t widest = width << kMwcnnLevels;
  x = layers.conv("pro_l3.0", layers.split(x), widest);
  x = layers.block("pro_l3.2", layers.block("pro_l3.1", x, 2, 3), 3, 2);
  x = layers.join(layers.conv("pro_l3.3", x, 2 * widest)) + levels[kMwcnnLevels - 1];
  for (int64_t level = kMwcnnLevels - 1; level > 0; --level) {
    const std::string name = fmt::format("i_l{}.", level);
    x = layers.conv(name + "1", layers.block(name + "0", x, 2, 1), width << (level + 1));
    x = layers.join(x) + levels[static_cast<size_t>(level - 1)];
  }
  x = layers.block("i_l0.0", x, 2, 1);
  g.output(g.conv("tail.0", x, 1) + image, 1);
  return g;
}

std::optional<Config> read_mwcnn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("pro_l3.0.body.0.weight") || shapes.size("head.0.body.0.weight", 1) != 1) return std::nullopt;
  Config config;
  config.set("width", static_cast<double>(shapes.size("head.0.body.0.weight", 0)));
  return config;
}

}  // namespace

Kind mwcnn() {
  Kind kind{"mwcnn", "MWCNN (Liu et al. 2018)", read_mwcnn, mwcnn_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.traits.least_side = 16;
  kind.fields = {{"width", "channels of the largest level", 64, 4, 256}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
