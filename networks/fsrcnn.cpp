#include "networks/all_kinds.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

constexpr int64_t kLastSide = 9;

// FSRCNN (Dong, Loy and Tang, ECCV 2016): shrink, map, expand on the small luma, then one transposed convolution.
// Names of J. Yeo's code (yjn870).
nn::Graph fsrcnn_graph(const Config& config) {
  const int64_t wide = config.whole("width");
  const int64_t narrow = config.whole("narrow");
  const int64_t maps = config.whole("depth");
  const int64_t scale = config.scales[0];
  nn::Graph g;
  nn::Value x = g.prelu("first_part.1", g.conv("first_part.0", g.input(1), wide, {.side = 5}));
  for (int64_t i = 0; i < maps + 2; ++i) {
    const bool map = i > 0 && i <= maps;
    const nn::Value y = g.conv(fmt::format("mid_part.{}", 2 * i), x, i <= maps ? narrow : wide, {.side = map ? 3 : 1});
    x = g.prelu(fmt::format("mid_part.{}", 2 * i + 1), y);
  }
  const nn::Convolution last{.side = kLastSide, .stride = scale, .padding = kLastSide / 2, .output_padding = scale - 1};
  g.output(g.transposed_conv("last_part", x, 1, last), scale);
  return g;
}

std::optional<Config> read_fsrcnn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("first_part.0.weight") || !shapes.has("last_part.weight")) return std::nullopt;
  Config config;
  int64_t maps = 0;
  while (shapes.size(fmt::format("mid_part.{}.weight", 2 * (maps + 1)), 2) == 3) ++maps;
  config.set("width", static_cast<double>(shapes.size("first_part.0.weight", 0)));
  config.set("narrow", static_cast<double>(shapes.size("mid_part.0.weight", 0)));
  config.set("depth", static_cast<double>(maps));
  config.scales = {static_cast<int64_t>(shapes.remark("scales", 0.0))};
  return config;
}

// No shape depends on the scale, but for one scale only a gray area stays as gray as it was.
Config with_fsrcnn_scale(Config config, const WeightsFile& weights) {
  return with_scale_by_gray(std::move(config), weights, fsrcnn_graph, {2, 3, 4});
}

}  // namespace

Kind fsrcnn() {
  Kind kind{"fsrcnn", "FSRCNN (Dong et al. 2016)", read_fsrcnn, fsrcnn_graph};
  kind.traits.channels = 1;
  kind.fields = {{"width", "channels", 56, 8, 256},
                 {"narrow", "channels between shrinking and expanding", 12, 4, 256},
                 {"depth", "convolutions between them", 4, 1, 16}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_fsrcnn_scale;
  return kind;
}

}  // namespace zsr::networks
