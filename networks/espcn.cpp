#include "networks/all_kinds.h"

namespace zsr::networks {
namespace {

// ESPCN (Shi et al., CVPR 2016): three convolutions with tanh on the small luma, then the first pixel shuffle. Names
// of J. Yeo's code (yjn870).
nn::Graph espcn_graph(const Config& config) {
  const int64_t scale = config.scales[0];
  nn::Graph g;
  nn::Value x = g.activation(nn::Curve::kTanh, g.conv("first_part.0", g.input(1), config.whole("width"), {.side = 5}));
  x = g.activation(nn::Curve::kTanh, g.conv("first_part.2", x, config.whole("narrow")));
  g.output(g.shuffle(g.conv("last_part.0", x, scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_espcn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("first_part.2.weight") || !shapes.has("last_part.0.weight")) return std::nullopt;
  Config config;
  config.scales = {shapes.shuffle_factor("last_part.0", 1)};
  config.set("width", static_cast<double>(shapes.size("first_part.0.weight", 0)));
  config.set("narrow", static_cast<double>(shapes.size("first_part.2.weight", 0)));
  return config;
}

}  // namespace

Kind espcn() {
  Kind kind{"espcn", "ESPCN (Shi et al. 2016)", read_espcn, espcn_graph};
  kind.traits.channels = 1;
  kind.fields = {{"width", "channels of the first convolution", 64, 8, 256},
                 {"narrow", "channels of the second", 32, 8, 256}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
