#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kFdanLeak = 0.05;
constexpr int64_t kFdanSplits = 3;
constexpr int64_t kFdanWhole = int64_t{1} << kFdanSplits;

// Half of the channels goes deeper, through a 1x1 convolution that the other half is taken from and a 3x3 one; what is
// left of every half, and the deepest features, are joined.
Value fdan_block(Graph& g, Value x, const std::string& name, int64_t width) {
  std::vector<Value> kept;
  for (int64_t i = 0; i < kFdanSplits; ++i) {
    const int64_t half = width >> (i + 1);
    const Value direct = g.slice(x, 0, half);
    const Value deep = g.relu(g.conv(fmt::format("{}c{}_e", name, i), g.slice(x, half, 2 * half), half, {.side = 1}));
    kept.push_back(direct + deep * -1.0);
    x = g.relu(g.conv(fmt::format("{}c{}_f", name, i), deep, half));
  }
  kept.push_back(x);
  const SpatialAttention attention{.few = width / 4, .middle = {"conv_max", "conv3", "conv3_"}};
  return spatial_attention(g, g.concat(kept), name + "esa.", attention);
}

// FDAN (Xu et al. 2022: joint super-resolution and inverse tone mapping), as the authors' code has it. Images as
// Traits::gives_hdr says.
Graph fdan_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  if (width < kFdanWhole || width % kFdanWhole != 0) {
    throw OptionError(fmt::format("{} channels cannot be halved {} times", width, kFdanSplits));
  }
  Graph g;
  const Value first = g.relu(g.conv("fea_conv", g.input(3), width));
  std::vector<Value> made;
  Value x = first;
  for (int64_t b = 1; b <= config.whole("depth"); ++b) {
    made.push_back(x = fdan_block(g, x, fmt::format("B{}.", b), width));
  }
  const Value gathered = g.leaky_relu(g.conv("c.0", g.concat(made), width, {.side = 1}), kFdanLeak);
  x = g.conv("LR_conv", gathered, width) + first;
  g.output(g.shuffle(g.conv("upsampler.0", x, 3 * scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_fdan(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("B1.c0_e.weight") || !shapes.has("B1.esa.conv_max.weight")) return std::nullopt;
  Config config;
  config.scales = {shapes.shuffle_factor("upsampler.0", 3)};
  config.set("width", static_cast<double>(shapes.size("fea_conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("B", ".c0_e.weight", 1)));
  return config;
}

}  // namespace

Kind fdan() {
  Kind kind{"fdan", "FDAN (Xu et al. 2022), from photos to HDR", read_fdan, fdan_graph};
  kind.traits.least_side = SpatialAttention::kLeastSide;
  kind.traits.gives_hdr = true;
  kind.fields = {{"width", "channels", 48, 16, 256, 16}, {"depth", "distillation blocks", 6, 1, 32}};
  kind.trainable_scales = {2, 4};
  kind.untrainable = "it learns from pairs of photos and HDR images, which zsr cannot read";
  return kind;
}

}  // namespace zsr::networks
