#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/probes.h"
#include "networks/rdn_trunk.h"

#include <fmt/format.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

std::string rdn_last(const Config& config) {
  if (config.naming != "edsr") return "output";
  return config.scales[0] == 4 ? "UPNet.4" : "UPNet.2";
}

// EDSR-PyTorch enlarges as many channels as a layer adds.
int64_t rdn_up_width(const Config& config) {
  return config.whole(config.naming == "edsr" ? "growth" : "width");
}

// RDN (Zhang et al., CVPR 2018).
Graph rdn_graph(const Config& config) {
  const double range = config.number("color_range");
  Graph g;
  Value x = rdn_trunk(g, g.input(config.channels) * range, config);
  x = shuffled_up(g, x, rdn_names(config).up, config.scales[0], rdn_up_width(config));
  g.output(g.conv(rdn_last(config), x, config.channels) * (1.0 / range), config.scales[0]);
  return g;
}

std::optional<Config> read_rdn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (!read_rdn_trunk(shapes, config)) return std::nullopt;
  // The last convolution of EDSR-PyTorch's names shuffles nothing: its factor is 0.
  const char* const up = rdn_names(config).up;
  int64_t scale = 1;
  for (int64_t i = 0; shapes.has(fmt::format("{}{}.weight", up, i)); i += 2) {
    scale *= std::max<int64_t>(1, shapes.shuffle_factor(fmt::format("{}{}", up, i), rdn_up_width(config)));
  }
  config.scales = {scale};
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
