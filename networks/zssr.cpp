#include "networks/zssr.h"

#include "networks/all_kinds.h"
#include "networks/edsr_trunk.h"

#include <fmt/format.h>

namespace zsr::networks {

nn::Graph zssr_graph(int64_t channels, int64_t width, int64_t depth, int64_t outputs) {
  nn::Graph g;
  nn::Value x = g.input(channels);
  for (int64_t i = 0; i + 1 < depth; ++i) x = g.relu(g.conv(fmt::format("conv{}", i), x, width, {.bias = false}));
  g.output(g.conv(fmt::format("conv{}", depth - 1), x, outputs, {.bias = false}), 1);
  return g;
}

nn::Graph zssr_start_graph(int64_t colors, int64_t width, int64_t blocks, int64_t scale) {
  nn::Graph g;
  const nn::Value x = edsr_trunk(g, g.input(colors + kStartMaps), {.width = width, .blocks = blocks, .bias = false});
  g.output(g.shuffle(g.conv("tail", x, colors * scale * scale, {.bias = false}), scale), scale);
  return g;
}

namespace {

std::optional<Config> read_zssr_start(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (shapes.size("head.0.weight", 1) != 3 + kStartMaps || !shapes.has("tail.weight")) return std::nullopt;
  Config config;
  config.scales = {shapes.shuffle_factor("tail", 3)};
  config.set("width", static_cast<double>(shapes.size("head.0.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("body.", ".body.0.weight")));
  return config;
}

}  // namespace

Kind zssr_start() {
  Kind kind{"zssr-start", "starting point of ZSSR", read_zssr_start, [](const Config& config) {
              return zssr_start_graph(3, config.whole("width"), config.whole("depth"), config.scales[0]);
            }};
  kind.traits.condition = Condition::kKernelAndNoise;
  kind.traits.gives_residual = true;
  kind.fields = {{"width", "channels", 48, 16, 256, 16}, {"depth", "residual blocks", 8, 2, 64}};
  kind.trainable_scales = {2, 3, 4};
  kind.training = {.noise = 6.0, .sharp = 0.3};
  return kind;
}

}  // namespace zsr::networks
