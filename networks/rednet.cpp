#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Value;

// RED-Net (Mao, Shen and Yang, NIPS 2016): as many convolutions as transposed ones on the cubically enlarged luma;
// every second of the latter adds what the convolution at the mirrored place made.
nn::Graph rednet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t depth = config.whole("depth");
  nn::Graph g;
  const Value image = g.input(1);
  std::vector<Value> made;
  Value x = image;
  for (int64_t i = 1; i <= depth; ++i) made.push_back(x = g.relu(g.conv(fmt::format("conv{}", i), x, width)));
  for (int64_t i = 1; i <= depth; ++i) {
    const std::string name = fmt::format("deconv{}", i);
    x = g.transposed_conv(name, x, i < depth ? width : 1, {.side = 3, .padding = 1});
    if (i < depth) x = g.relu(x);
    if (i % 2 == 1 && i < depth) x = g.relu(x + made[static_cast<size_t>(depth - i - 1)]);
  }
  g.output(x + image, 1);
  return g;
}

std::optional<Config> read_rednet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const int64_t depth = shapes.count("conv", ".weight", 1);
  if (depth < 2 || !shapes.has(fmt::format("deconv{}.weight", depth)) || shapes.size("conv1.weight", 1) != 1) {
    return std::nullopt;
  }
  Config config;
  config.set("width", static_cast<double>(shapes.size("conv1.weight", 0)));
  config.set("depth", static_cast<double>(depth));
  return config;
}

}  // namespace

Kind rednet() {
  Kind kind{"rednet", "RED-Net (Mao et al. 2016)", read_rednet, rednet_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 128, 8, 256}, {"depth", "convolutions, and transposed ones", 15, 2, 32}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
