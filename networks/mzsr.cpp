#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

std::string mzsr_layer(int64_t index) {
  return fmt::format("conv{}", index + 1);
}

// The network of MZSR (Soh, Cho and Cho, CVPR 2020): eight convolutions find what the cubically enlarged photo lacks.
// The published "Pretrained" weights, trained on bicubic x2, are where its meta-learning begins.
nn::Graph mzsr_graph(const Config& config) {
  const int64_t count = config.whole("depth");
  nn::Graph g;
  const nn::Value image = g.input(3);
  nn::Value x = image;
  for (int64_t i = 0; i + 1 < count; ++i) x = g.relu(g.conv(mzsr_layer(i), x, config.whole("width")));
  g.output(g.conv(mzsr_layer(count - 1), x, 3) + image, 1);
  return g;
}

std::optional<Config> read_mzsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const int64_t count = shapes.count("conv", ".weight", 1);
  const std::string last = mzsr_layer(count - 1) + ".weight";
  const bool known = count >= 3 && shapes.size("conv1.weight", 1) == 3 && shapes.size("conv1.weight", 2) == 3 &&
                     shapes.size(last, 0) == 3 && shapes.size(last, 2) == 3;
  if (!known) return std::nullopt;
  Config config;
  config.set("width", static_cast<double>(shapes.size("conv1.weight", 0)));
  config.set("depth", static_cast<double>(count));
  return config;
}

}  // namespace

Kind mzsr() {
  Kind kind{"mzsr", "starting point of MZSR (Soh et al. 2020)", read_mzsr, mzsr_graph};
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "convolutions", 8, 3, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
