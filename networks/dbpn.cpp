#include "networks/all_kinds.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

nn::Convolution dbpn_window(int64_t scale) {
  return {.side = scale + 4, .stride = scale, .padding = 2};
}

// Back-projection units: what a change of size loses is changed in size itself and added.
class DbpnUnits {
 public:
  DbpnUnits(Graph& graph, int64_t width, int64_t scale) : g_(graph), width_(width), window_(dbpn_window(scale)) {}
  Value up(int64_t number, const std::vector<Value>& seen) {
    const std::string name = fmt::format("up{}.", number);
    const Value x = joined(name, seen);
    const Value high = larger(name + "up_conv1", x);
    const Value low = smaller(name + "up_conv2", high);
    return larger(name + "up_conv3", low + x * -1.0) + high;
  }
  Value down(int64_t number, const std::vector<Value>& seen) {
    const std::string name = fmt::format("down{}.", number);
    const Value x = joined(name, seen);
    const Value low = smaller(name + "down_conv1", x);
    const Value high = larger(name + "down_conv2", low);
    return smaller(name + "down_conv3", high + x * -1.0) + low;
  }

 private:
  // Results of all stages, the newest first, through a 1x1 convolution.
  Value joined(const std::string& name, const std::vector<Value>& seen) {
    if (seen.size() == 1) return seen[0];
    const Value x = g_.conv(name + "conv.conv", g_.concat({seen.rbegin(), seen.rend()}), width_, {.side = 1});
    return g_.prelu(name + "conv.act", x, 1);
  }
  Value larger(const std::string& name, Value x) {
    return g_.prelu(name + ".act", g_.transposed_conv(name + ".deconv", x, width_, window_), 1);
  }
  Value smaller(const std::string& name, Value x) {
    const Graph::ConvOptions options{.side = window_.side, .stride = window_.stride, .padding = window_.padding};
    return g_.prelu(name + ".act", g_.conv(name + ".conv", x, width_, options), 1);
  }

  Graph& g_;
  int64_t width_;
  nn::Convolution window_;
};

// DBPN and D-DBPN (Haris, Shakhnarovich and Ukita, CVPR 2018): up- and downsampling units in turn.
Graph dbpn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  Value x = g.prelu("feat0.act", g.conv("feat0.conv", g.input(config.channels), config.whole("first")), 1);
  x = g.prelu("feat1.act", g.conv("feat1.conv", x, width, {.side = 1}), 1);
  DbpnUnits units(g, width, scale);
  std::vector<Value> high{units.up(1, {x})};
  std::vector<Value> low;
  for (int64_t t = 1; t < config.whole("depth"); ++t) {
    low.push_back(units.down(t, high));
    // The second upsampling sees the first downsampling only; later ones all of them.
    high.push_back(units.up(t + 1, low));
  }
  g.output(g.conv("output_conv.conv", g.concat({high.rbegin(), high.rend()}), config.channels), scale);
  return g;
}

std::optional<Config> read_dbpn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("up1.up_conv1.deconv.weight") || !shapes.has("output_conv.conv.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("feat0.conv");
  config.scales = {shapes.size("up1.up_conv1.deconv.weight", 2) - 4};
  config.set("width", static_cast<double>(shapes.size("feat1.conv.weight", 0)));
  config.set("first", static_cast<double>(shapes.size("feat0.conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("up", ".up_conv1.deconv.weight", 1)));
  return config;
}

}  // namespace

Kind dbpn() {
  Kind kind{"dbpn", "DBPN (Haris et al. 2018)", read_dbpn, dbpn_graph};
  kind.fields = {{"width", "channels", 64, 4, 256},
                 {"first", "channels of the first convolution", 256, 4, 512},
                 {"depth", "upsampling units (DBPN-S: 2, DBPN-LL: 10)", 7, 2, 32}};
  kind.trainable_scales = {2, 4, 8};
  return kind;
}

}  // namespace zsr::networks
