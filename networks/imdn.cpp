#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kImdnLeak = 0.05;

// Information multi-distillation block: after each convolution a quarter of the channels is kept, the rest goes on.
Value imdn_block(Graph& g, Value image, const std::string& name, int64_t width, int64_t squeezed) {
  const int64_t kept = width / 4;
  std::vector<Value> all;
  Value x = image;
  for (const char* const part : {"c1", "c2", "c3"}) {
    x = g.leaky_relu(g.conv(name + part, x, width), kImdnLeak);
    all.push_back(g.slice(x, 0, kept));
    x = g.slice(x, kept, width);
  }
  all.push_back(g.conv(name + "c4", x, kept));
  const Value joined = g.concat(all);
  // Contrast-aware channel attention.
  const Value weights = channel_weights(g, contrast(g, joined), name + "cca.conv_du", squeezed);
  return g.conv(name + "c5", joined * weights, width, {.side = 1}) + image;
}

// IMDN (Hui, Gao, Yang and Wang, ACM MM 2019).
Graph imdn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value first = g.conv("fea_conv", g.input(config.channels), width);
  std::vector<Value> made;
  Value x = first;
  for (int64_t i = 1; i <= config.whole("depth"); ++i) {
    made.push_back(x = imdn_block(g, x, fmt::format("IMDB{}.", i), width, config.whole("squeezed")));
  }
  const Value gathered = g.leaky_relu(g.conv("c.0", g.concat(made), width, {.side = 1}), kImdnLeak);
  x = g.conv("LR_conv", gathered, width) + first;
  g.output(g.shuffle(g.conv("upsampler.0", x, config.channels * scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_imdn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("IMDB1.c1.weight") || !shapes.has("IMDB1.cca.conv_du.0.weight") || !shapes.has("fea_conv.weight")) {
    return std::nullopt;
  }
  Config config;
  config.channels = shapes.photo_channels("fea_conv");
  config.scales = {shapes.shuffle_factor("upsampler.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("fea_conv.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("IMDB", ".c1.weight", 1)));
  config.set("squeezed", static_cast<double>(shapes.size("IMDB1.cca.conv_du.0.weight", 0)));
  return config;
}

}  // namespace

Kind imdn() {
  Kind kind{"imdn", "IMDN (Hui et al. 2019)", read_imdn, imdn_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "distillation blocks", 6, 1, 32},
                 {"squeezed", "channels inside the channel attention", 4, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
