#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// J. Yeo's and BasicSR's names, and those of EDSR-PyTorch, whose last convolution stands behind the enlarging ones.
struct RdnNames {
  const char* first;
  const char* second;
  const char* layer;
  const char* fusion;
  const char* joined;
  const char* up;
};
constexpr RdnNames kRdnNames{"sfe1", "sfe2", "rdbs.{}.layers.{}.conv", "rdbs.{}.lff", "gff.{}", "upscale."};
constexpr RdnNames kRdnEdsrNames{"SFENet1", "SFENet2", "RDBs.{}.convs.{}.conv.0", "RDBs.{}.LFF", "GFF.{}", "UPNet."};

const RdnNames& rdn_names(const Config& config) {
  return config.naming == "edsr" ? kRdnEdsrNames : kRdnNames;
}

template <typename... Numbers>
std::string rdn_name(const char* pattern, Numbers... numbers) {
  return fmt::format(fmt::runtime(pattern), numbers...);
}

std::string rdn_last(const Config& config) {
  if (config.naming != "edsr") return "output";
  return config.scales[0] == 4 ? "UPNet.4" : "UPNet.2";
}

// EDSR-PyTorch enlarges as many channels as a layer adds.
int64_t rdn_up_width(const Config& config) {
  return config.whole(config.naming == "edsr" ? "growth" : "width");
}

// RDN (Zhang et al., CVPR 2018): residual dense blocks, all of whose results are joined.
Graph rdn_graph(const Config& config) {
  const RdnNames& names = rdn_names(config);
  const int64_t width = config.whole("width");
  const double range = config.number("color_range");
  Graph g;
  const Value first = g.conv(names.first, g.input(config.channels) * range, width);
  Value x = g.conv(names.second, first, width);
  std::vector<Value> made;
  for (int64_t b = 0; b < config.whole("depth"); ++b) {
    Value dense = x;
    for (int64_t i = 0; i < config.whole("layers"); ++i) {
      dense = g.concat({dense, g.relu(g.conv(rdn_name(names.layer, b, i), dense, config.whole("growth")))});
    }
    made.push_back(x = g.conv(rdn_name(names.fusion, b), dense, width, {.side = 1}) + x);
  }
  x = g.conv(rdn_name(names.joined, 0), made.size() == 1 ? made[0] : g.concat(made), width, {.side = 1});
  x = g.conv(rdn_name(names.joined, 1), x, width) + first;
  x = g.conv(rdn_last(config), shuffled_up(g, x, names.up, config.scales[0], rdn_up_width(config)), config.channels);
  g.output(x * (1.0 / range), config.scales[0]);
  return g;
}

std::optional<Config> read_rdn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  config.naming = shapes.has("SFENet1.weight") ? "edsr" : "";
  const RdnNames& names = rdn_names(config);
  const std::string first = rdn_name(names.layer, 0, 0) + ".weight";
  if (!shapes.has(first) || !shapes.has(rdn_name(names.fusion, 0) + ".weight")) return std::nullopt;
  const int64_t width = shapes.size(std::string(names.first) + ".weight", 0);
  int64_t blocks = 0;
  while (shapes.has(rdn_name(names.fusion, blocks) + ".weight")) ++blocks;
  int64_t layers = 0;
  while (shapes.has(rdn_name(names.layer, 0, layers) + ".weight")) ++layers;
  config.channels = shapes.photo_channels(names.first);
  config.set("width", static_cast<double>(width));
  config.set("growth", static_cast<double>(shapes.size(first, 0)));
  // The last convolution of EDSR-PyTorch's names shuffles nothing: its factor is 0.
  int64_t scale = 1;
  for (int64_t i = 0; shapes.has(fmt::format("{}{}.weight", names.up, i)); i += 2) {
    scale *= std::max<int64_t>(1, shapes.shuffle_factor(fmt::format("{}{}", names.up, i), rdn_up_width(config)));
  }
  config.scales = {scale};
  config.set("depth", static_cast<double>(blocks));
  config.set("layers", static_cast<double>(layers));
  config.set("color_range", shapes.remark("color_range", 0.0));
  return config;
}

Config with_rdn_range(Config config, const WeightsFile& weights) {
  return with_color_range(std::move(config), weights, rdn_graph);
}

}  // namespace

Kind rdn() {
  Kind kind{"rdn", "RDN (Zhang et al. 2018)", read_rdn, rdn_graph};
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"growth", "channels that a layer adds", 64, 4, 256},
                 {"depth", "residual dense blocks", 16, 1, 64},
                 {"layers", "layers of a block", 8, 1, 32},
                 {"color_range", "colours go from 0 to this", 1, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_rdn_range;
  return kind;
}

}  // namespace zsr::networks
