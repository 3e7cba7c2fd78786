#include "networks/all_kinds.h"

#include <fmt/format.h>

#include <vector>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kWaveletStages = 5;
constexpr int64_t kColours = 3;

// Of the bands that level `k` of the wavelet packet adds, three for each band before it.
int64_t wavelet_groups(int64_t level) {
  return level == 0 ? 1 : 3 * (int64_t{1} << (2 * (level - 1)));
}

class WaveletLayers {
 public:
  explicit WaveletLayers(Graph& graph) : g_(graph) {}

  // The input is added before the second normalisation.
  Value block(const std::string& name, Value x, int64_t out, int64_t groups, int64_t first_groups) {
    const Value same = g_.node(x.node).channels == out ? x : plain(name + "conv_expand", x, out, 1, 1);
    const Value inner = normal(name + "bn1", plain(name + "conv1", x, out, 3, first_groups));
    return normal(name + "bn2", plain(name + "conv2", inner, out, 3, groups) + same);
  }
  // Batch normalisation and ReLU.
  Value normal(const std::string& name, Value x) { return g_.relu(g_.normalise(name, x, nn::Norm::kBatch)); }
  Value plain(const std::string& name, Value x, int64_t out, int64_t side, int64_t groups) {
    return g_.conv(name, x, out, {.side = side, .groups = groups, .bias = false});
  }

 private:
  Graph& g_;
};

// The inverse Haar packet transform of 4^n bands of three colours. The last of a band's digits to the base 4 stands for
// the coarsest step.
Value wavelet_image(Graph& g, Value bands) {
  std::vector<Value> images;
  for (int64_t from = 0; from < g.node(bands.node).channels; from += kColours) {
    images.push_back(g.slice(bands, from, from + kColours));
  }
  while (images.size() > 1) {
    std::vector<Value> larger;
    for (size_t i = 0; i < images.size(); i += 4) {
      larger.push_back(g.haar(g.concat({images[i], images[i + 1], images[i + 2], images[i + 3]}), true));
    }
    images = std::move(larger);
  }
  return images.front();
}

// Wavelet-SRNet (Huang, He, Sun and Tan, ICCV 2017): the wavelet packet of the result, of which each coefficient is as
// large as the photo. Published for faces of 16 x 16 pixels.
Graph wavelet_srnet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t few = config.whole("band_width");
  Graph g;
  WaveletLayers layers(g);
  Value x = layers.normal("bn_input", layers.plain("conv_input", g.input(kColours), width, 3, 1));
  for (int64_t stage = 0; stage < kWaveletStages; ++stage) {
    for (int64_t b = 0; b < config.whole("depth"); ++b) {
      x = layers.block(fmt::format("residual.{}.{}.", stage, b), x, width << stage, 1, 1);
    }
  }
  std::vector<Value> bands;
  for (int64_t level = 0; (int64_t{1} << level) <= config.scales[0]; ++level) {
    const int64_t groups = wavelet_groups(level);
    Value y = layers.block(fmt::format("interim_{}.", level), x, few * groups, groups, 1);
    y = layers.block(fmt::format("wavelet_{}.0.", level), y, 2 * few * groups, groups, groups);
    bands.push_back(g.conv(fmt::format("predict_{}", level), y, kColours * groups, {.groups = groups}));
  }
  g.output(wavelet_image(g, g.concat(bands)), config.scales[0]);
  return g;
}

std::optional<Config> read_wavelet_srnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("conv_input.weight") || !shapes.has("interim_2.conv_expand.weight") ||
      !shapes.has("predict_0.weight")) {
    return std::nullopt;
  }
  Config config;
  config.scales = {int64_t{1} << (shapes.count("predict_", ".weight") - 1)};
  config.set("width", static_cast<double>(shapes.size("conv_input.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("residual.0.", ".conv1.weight")));
  config.set("band_width", static_cast<double>(shapes.size("interim_0.conv1.weight", 0)));
  return config;
}

}  // namespace

Kind waveletsrnet() {
  Kind kind{"waveletsrnet", "Wavelet-SRNet (Huang et al. 2017)", read_wavelet_srnet, wavelet_srnet_graph};
  kind.fields = {{"width", "channels at first; at last sixteen times as many", 64, 8, 64},
                 {"depth", "residual blocks of each of five stages", 2, 1, 8},
                 {"band_width", "channels for each band of the wavelet packet", 32, 4, 64}};
  kind.trainable_scales = {4, 8, 16};
  return kind;
}

}  // namespace zsr::networks
