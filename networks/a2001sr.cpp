#include "networks/all_kinds.h"

namespace zsr::networks {
namespace {

// A2001SR: four convolutions and one pixel shuffle beside the bicubic enlargement, a first network to train oneself.
nn::Graph a2001sr_graph(const Config& config) {
  const int64_t scale = config.scales[0];
  nn::Graph g;
  const nn::Value image = g.input(config.channels);
  nn::Value x = g.relu(g.conv("conv1", image, 32, {.side = 5}));
  x = g.relu(g.conv("conv2", x, 64));
  x = g.shuffle(g.conv("conv3", x, config.whole("width")), scale);
  g.output(g.conv("conv4", x, config.channels) + g.resize(image, nn::Interpolation::kBicubic, scale), scale);
  return g;
}

std::optional<Config> read_a2001sr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const int64_t width = shapes.size("conv3.weight", 0);
  const int64_t shuffled = shapes.size("conv4.weight", 1);
  if (shapes.size("conv1.weight", 0) != 32 || shapes.size("conv1.weight", 2) != 5 || shuffled < 1) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("conv1");
  config.set("width", static_cast<double>(width));
  for (const int64_t scale : {1, 2, 4, 8}) {
    if (shuffled * scale * scale == width) config.scales = {scale};
  }
  return config.scales.empty() ? std::nullopt : std::optional(config);
}

}  // namespace

Kind a2001sr() {
  Kind kind{"a2001sr", "A2001SR (four convolutions)", read_a2001sr, a2001sr_graph};
  kind.fields = {{"width", "channels before the pixel shuffle", 256, 64, 1024, 64}};
  kind.trainable_scales = {2, 4, 8};
  return kind;
}

}  // namespace zsr::networks
