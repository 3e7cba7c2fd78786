#include "networks/restorer.h"

#include "networks/all_kinds.h"
#include "networks/edsr_trunk.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

std::string tail_name(int64_t scale) {
  return fmt::format("tail.x{}", scale);
}

// EDSR's residual trunk at the size of the photo, conditioned on how noisy and how compressed the photo is, and one
// output convolution with pixel shuffle for each scale. The trunk is shared, so that all scales are trained together
// and one file serves them all. The result is the photo's own pixels (nearest enlargement) plus what the network adds.
nn::Graph restorer_graph(const Config& config) {
  nn::Graph g;
  g.bias_unit(255.0);
  const nn::Value input = g.input(3 + kDamageMaps);
  const EdsrTrunk trunk{.width = config.whole("width"), .blocks = config.whole("depth")};
  const nn::Value features = edsr_trunk(g, subtract_mean(g, input), trunk);
  const nn::Value photo = g.slice(input, 0, 3);
  for (const int64_t scale : config.scales) {
    const nn::Value made = g.shuffle(g.conv(tail_name(scale), features, 3 * scale * scale), scale);
    g.output(made + g.nearest(photo, scale), scale);
  }
  return g;
}

std::optional<Config> read_restorer(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (shapes.size("head.0.weight", 1) != 3 + kDamageMaps) return std::nullopt;
  Config config;
  for (int64_t scale = 1; scale <= 4; ++scale) {
    if (shapes.has(tail_name(scale) + ".weight")) config.scales.push_back(scale);
  }
  const int64_t blocks = shapes.count("body.", ".body.0.weight");
  if (config.scales.empty() || blocks == 0) return std::nullopt;
  config.set("width", static_cast<double>(shapes.size("head.0.weight", 0)));
  config.set("depth", static_cast<double>(blocks));
  return config;
}

}  // namespace

std::vector<float> damage_maps(const Damage& damage) {
  constexpr double kNoiseUnit = 50.0;
  const auto noise = static_cast<float>(damage.noise.value_or(0.0) / kNoiseUnit);
  const auto loss = static_cast<float>((100.0 - damage.jpeg_quality.value_or(100.0)) / 100.0);
  return {damage.noise ? 1.0F : 0.0F, noise, damage.jpeg_quality ? 1.0F : 0.0F, loss};
}

Kind restorer() {
  Kind kind{"restorer", "restoration network (EDSR's trunk, conditioned on noise and JPEG quality)", read_restorer,
            restorer_graph};
  kind.traits.condition = Condition::kDamage;
  kind.fields = {{"width", "channels", 48, 16, 256, 16}, {"depth", "residual blocks", 16, 2, 64}};
  kind.trainable_scales = {1, 2, 3, 4};
  kind.all_scales = true;
  kind.training = {.recipe = "photo:0.5,realesrgan:0.3,bsrgan:0.2"};
  return kind;
}

}  // namespace zsr::networks
