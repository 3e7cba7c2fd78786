#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kBsrnCopies = 4;  // of the photo, as the input of the first convolution

// Efficient separable distillation block: RFDN's with blueprint separable convolutions and channel attention.
Value bsrn_block(Graph& g, Value image, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t thin = width / 2;
  const auto gelu = [&](Value y) { return g.activation(nn::Curve::kGelu, y); };
  std::vector<Value> kept;
  Value x = image;
  for (int64_t i = 1; i <= 3; ++i) {
    kept.push_back(gelu(g.conv(fmt::format("{}c{}_d", name, i), x, thin, {.side = 1})));
    x = gelu(blueprint_conv(g, fmt::format("{}c{}_r", name, i), x, width) + x);
  }
  kept.push_back(gelu(blueprint_conv(g, name + "c4", x, thin)));
  x = g.conv(name + "c5", g.concat(kept), width, {.side = 1});
  const SpatialAttention attention{.few = config.whole("few"),
                                   .middle = {"conv_max", "conv3", "conv3_"},
                                   .curve = nn::Curve::kGelu,
                                   .blueprint = true};
  x = spatial_attention(g, x, name + "esa.", attention);
  return x * channel_weights(g, contrast(g, x), name + "cca.conv_du", config.whole("squeezed")) + image;
}

// BSRN (Li et al., CVPRW 2022).
Graph bsrn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  const Value first = blueprint_conv(g, "fea_conv", g.concat(std::vector<Value>(kBsrnCopies, image)), width);
  std::vector<Value> made;
  Value x = first;
  for (int64_t b = 1; b <= config.whole("depth"); ++b) {
    made.push_back(x = bsrn_block(g, x, fmt::format("B{}.", b), config));
  }
  x = g.activation(nn::Curve::kGelu, g.conv("c1", g.concat(made), width, {.side = 1}));
  x = blueprint_conv(g, "c2", x, width) + first;
  const Value last = g.conv("upsampler.upsampleOneStep.0", x, config.channels * scale * scale);
  g.output(g.shuffle(last, scale), scale);
  return g;
}

std::optional<Config> read_bsrn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("fea_conv.pw.weight") || !shapes.has("B1.cca.conv_du.0.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.size("fea_conv.pw.weight", 1) / kBsrnCopies;
  config.scales = {shapes.shuffle_factor("upsampler.upsampleOneStep.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("fea_conv.pw.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("B", ".c1_d.weight", 1)));
  config.set("few", static_cast<double>(shapes.size("B1.esa.conv1.weight", 0)));
  config.set("squeezed", static_cast<double>(shapes.size("B1.cca.conv_du.0.weight", 0)));
  return config;
}

}  // namespace

Kind bsrn() {
  Kind kind{"bsrn", "BSRN (Li et al. 2022)", read_bsrn, bsrn_graph};
  kind.traits.least_side = SpatialAttention::kLeastSide;
  kind.fields = {{"width", "channels", 64, 8, 256, 2},
                 {"depth", "distillation blocks", 8, 1, 32},
                 {"few", "channels inside the spatial attention", 16, 1, 64},
                 {"squeezed", "channels inside the channel attention", 4, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
