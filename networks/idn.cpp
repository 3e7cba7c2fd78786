#include "networks/all_kinds.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kIdnLeak = 0.05;
constexpr int64_t kIdnGroups = 4;
constexpr int64_t kIdnLastSide = 17;

// Distillation block: a quarter of the channels is kept after three convolutions and added to the result with the
// input.
Value idn_block(Graph& g, Value x, int64_t number, int64_t width) {
  const int64_t kept = width / 4;
  const auto conv = [&](int64_t k, Value y, int64_t out, int64_t groups) {
    return g.leaky_relu(g.conv(fmt::format("conv{}_{}", number + 2, k), y, out, {.groups = groups}), kIdnLeak);
  };
  Value y = conv(1, x, 3 * kept, 1);
  y = conv(3, conv(2, y, 2 * kept, kIdnGroups), width, 1);
  const Value kept_part = g.slice(y, 0, kept);
  y = conv(5, conv(4, g.slice(y, kept, width), width, 1), 3 * kept, kIdnGroups);
  y = conv(6, y, width + kept, 1) + g.concat({x, kept_part});
  return g.leaky_relu(g.conv(fmt::format("down{}", number), y, width, {.side = 1}), kIdnLeak);
}

// IDN (Hui, Wang and Gao, CVPR 2018): distillation blocks on the small luma, then a transposed convolution that finds
// what the bicubic enlargement lacks, but for its first scale - 1 rows and columns.
Graph idn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(1);
  Value x = g.leaky_relu(g.conv("conv1", image, width), kIdnLeak);
  x = g.leaky_relu(g.conv("conv2", x, width), kIdnLeak);
  for (int64_t b = 1; b <= config.whole("depth"); ++b) x = idn_block(g, x, b, width);
  x = g.transposed_conv("upsample", x, 1, {.side = kIdnLastSide, .stride = scale, .padding = kIdnLastSide / 2});
  x = g.pad(x, {.top = scale - 1, .left = scale - 1});
  g.output(g.resize(image, nn::Interpolation::kImresize, scale) + x, scale);
  return g;
}

std::optional<Config> read_idn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("conv3_1.weight") || shapes.size("upsample.weight", 2) != kIdnLastSide) return std::nullopt;
  Config config;
  config.set("width", static_cast<double>(shapes.size("conv1.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("down", ".weight", 1)));
  config.scales = {static_cast<int64_t>(shapes.remark("scales", 0.0))};
  return config;
}

Config with_idn_scale(Config config, const WeightsFile& weights) {
  return with_scale_by_gray(std::move(config), weights, idn_graph, {2, 3, 4});
}

}  // namespace

Kind idn() {
  Kind kind{"idn", "IDN (Hui et al. 2018)", read_idn, idn_graph};
  kind.traits.channels = 1;
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "distillation blocks", 4, 1, 32}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_idn_scale;
  return kind;
}

}  // namespace zsr::networks
