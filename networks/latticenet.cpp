#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kLatticeLeak = 0.05;
constexpr int64_t kLatticeBlocks = 4;

// The mean colour of DIV2K taken off or added, a layer that is trained like others.
Value lattice_shift(Graph& g, Value x, const std::string& name, double range) {
  const int64_t channels = g.node(x.node).channels;
  const Value shifted = g.conv(name, x, channels, {.side = 1});
  std::vector<float> identity(static_cast<size_t>(channels * channels), 0.0F);
  std::vector<float> amounts;
  for (int64_t c = 0; c < channels; ++c) {
    identity[static_cast<size_t>(c * channels + c)] = 1.0F;
    amounts.push_back(static_cast<float>(range) * (channels == 1 ? kDiv2kLuma : kDiv2kMean[c]));
  }
  g.begin(name + ".weight", identity);
  g.begin(name + ".bias", amounts);
  return shifted;
}

// Combination coefficients: what channels are weighed by, from their means and from their deviations.
Value combination(Graph& g, Value x, const std::string& name, int64_t squeezed) {
  const Value mean = channel_weights(g, g.pool(x, nn::Pooling::kMean), name + ".conv_mean", squeezed);
  const Value spread = channel_weights(g, g.pool(x, nn::Pooling::kSampleDeviation), name + ".conv_std", squeezed);
  return (mean + spread) * 0.5;
}

Value lattice_convs(Graph& g, Value x, const std::string& name, int64_t width, int64_t inner) {
  x = g.leaky_relu(g.conv(name + ".0", x, inner), kLatticeLeak);
  x = g.leaky_relu(g.conv(name + ".2", x, inner), kLatticeLeak);
  return g.leaky_relu(g.conv(name + ".4", x, width), kLatticeLeak);
}

// Lattice block: two butterflies, in each of which the input and what convolutions made of it are combined both ways.
Value lattice_block(Graph& g, Value x, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t squeezed = config.whole("squeezed");
  const Value f = lattice_convs(g, x, name + "conv_block0", width, config.whole("inner"));
  const Value p = x + f * combination(g, f, name + "fea_ca1", squeezed);
  const Value q = f + x * combination(g, x, name + "x_ca1", squeezed);
  const Value made = lattice_convs(g, p, name + "conv_block1", width, config.whole("inner"));
  const Value upper = made + q * combination(g, q, name + "fea_ca2", squeezed);
  const Value lower = q + made * combination(g, made, name + "x_ca2", squeezed);
  return g.conv(name + "compress", g.concat({upper, lower}), width, {.side = 1});
}

// LatticeNet (Luo et al., ECCV 2020): four lattice blocks whose results are joined from the last to the first.
Graph latticenet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const double range = config.number("color_range");
  Graph g;
  const Value image = lattice_shift(g, g.input(config.channels) * range, "sub_mean", -range);
  const Value first = g.conv("conv2", g.conv("conv1", image, width), width);
  std::vector<Value> made{first};
  for (int64_t b = 1; b <= kLatticeBlocks; ++b) {
    made.push_back(lattice_block(g, made.back(), fmt::format("body_unit{}.", b), config));
  }
  const auto half = [&](const std::string& name, Value x) { return g.relu(g.conv(name, x, width / 2, {.side = 1})); };
  Value x = made[kLatticeBlocks];
  for (int64_t i = 1; i < kLatticeBlocks; ++i) {
    const Value upper = half(fmt::format("T_tdm{}.0", i), x);
    x = g.concat({upper, half(fmt::format("L_tdm{}.0", i), made[static_cast<size_t>(kLatticeBlocks - i)])});
  }
  x = g.conv("tail.0", x + first, width);
  x = g.shuffle(g.conv("tail.1", x, config.channels * scale * scale), scale);
  g.output(lattice_shift(g, x, "add_mean", range) * (1.0 / range), scale);
  return g;
}

std::optional<Config> read_latticenet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("body_unit1.conv_block0.0.weight") || !shapes.has("T_tdm1.0.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("conv1");
  config.scales = {shapes.shuffle_factor("tail.1", config.channels)};
  config.set("width", static_cast<double>(shapes.size("conv1.weight", 0)));
  config.set("inner", static_cast<double>(shapes.size("body_unit1.conv_block0.0.weight", 0)));
  config.set("squeezed", static_cast<double>(shapes.size("body_unit1.x_ca1.conv_mean.0.weight", 0)));
  config.set("color_range", shapes.remark("color_range", 255.0));
  return config;
}

}  // namespace

Kind latticenet() {
  Kind kind{"latticenet", "LatticeNet (Luo et al. 2020)", read_latticenet, latticenet_graph};
  kind.fields = {{"width", "channels", 64, 8, 256, 2},
                 {"inner", "channels inside the blocks", 48, 4, 256},
                 {"squeezed", "channels that weigh combinations", 4, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
