#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kLapLeak = 0.2;
// Bilinear enlargement by 2, with which the enlargements of the image begin.
constexpr std::array<float, 4> kLapBilinear{0.25F, 0.75F, 0.75F, 0.25F};
constexpr int64_t kLapLevels = 3;  // of MS-LapSRN, whose levels share everything

// The authors' MatConvNet layers: filters "<name>_f" [height, width, in, out] with last dimensions of 1 left out,
// biases "<name>_b" [1, out].
WeightsFile renamed_lapsrn(WeightsFile weights) {
  for (NamedTensor& entry : weights.tensors) {
    if (entry.name.ends_with("_f") && entry.tensor.dim() >= 2 && entry.tensor.dim() <= 4) {
      torch::Tensor filters = entry.tensor;
      while (filters.dim() < 4) filters = filters.unsqueeze(-1);
      entry = {entry.name.substr(0, entry.name.size() - 2) + ".weight", filters.permute({3, 2, 0, 1}).contiguous()};
    } else if (entry.name.ends_with("_b")) {
      entry = {entry.name.substr(0, entry.name.size() - 2) + ".bias", entry.tensor.reshape({-1})};
    }
  }
  return weights;
}

std::string lap_suffix(const FileShapes& shapes) {
  return shapes.has("input_conv_f") ? "_f" : ".weight";
}

void begin_bilinear(Graph& g, const std::string& name) {
  std::vector<float> filter;
  for (const float row : kLapBilinear) {
    for (const float column : kLapBilinear) filter.push_back(row * column);
  }
  g.begin(name + ".weight", filter);
}

// Features at twice the size; the last row and column are cut.
Value lap_doubled(Graph& g, SharedLayers& layers, const std::string& name, Value x, int64_t width) {
  x = layers.transposed_conv(name, x, width, {.side = 3, .stride = 2, .padding = 0});
  return g.pad(x, {.bottom = -1, .right = -1});
}

// The image at twice the size.
Value lap_enlarged(SharedLayers& layers, const std::string& name, Value image) {
  return layers.transposed_conv(name, image, 1, {.side = 4, .stride = 2, .padding = 1, .bias = false});
}

// LapSRN (Lai, Huang, Ahuja and Yang, CVPR 2017): doubles the small luma level by level, each with its own
// convolutions, and adds what they find to the enlarged image. Levels count down.
Graph lapsrn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  SharedLayers layers(g);
  Value image = g.input(1);
  Value x = g.leaky_relu(g.conv("input_conv", image, width), kLapLeak);
  auto level = static_cast<int64_t>(config.scales.size());
  for (const int64_t scale : config.scales) {
    const std::string name = fmt::format("level{}_", level--);
    for (int64_t d = 1; d <= config.whole("depth"); ++d) {
      x = g.leaky_relu(g.conv(fmt::format("{}conv{}", name, d), x, width), kLapLeak);
    }
    x = g.leaky_relu(lap_doubled(g, layers, name + "upconv", x, width), kLapLeak);
    image = lap_enlarged(layers, name + "img_up", image) + g.conv(name + "residual_conv", x, 1);
    begin_bilinear(g, name + "img_up");
    g.output(image, scale);
    for (const int64_t larger : config.scales) {
      if (larger > scale) g.intermediate(fmt::format("x{}", scale), image, larger, scale);
    }
  }
  return g;
}

std::optional<Config> read_lapsrn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string suffix = lap_suffix(shapes);
  const std::string first = "input_conv" + suffix;
  if (!shapes.has(first) || !shapes.has("level1_conv1" + suffix)) return std::nullopt;
  Config config;
  const int64_t levels = shapes.count("level", "_conv1" + suffix, 1);
  for (int64_t level = 1; level <= levels; ++level) config.scales.push_back(int64_t{1} << level);
  config.set("width", static_cast<double>(shapes.size(first, suffix == "_f" ? 3 : 0)));
  config.set("depth", static_cast<double>(shapes.count("level1_conv", suffix, 1)));
  return config;
}

// MS-LapSRN (the same authors, IEEE TPAMI 2019): one set of weights for all levels; at each of them the convolutions
// are applied again and again, the level's input added every time.
Graph mslapsrn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  Graph g;
  SharedLayers layers(g);
  Value image = g.input(1);
  Value x = g.conv("input_conv", image, width);
  for (int64_t level = 1; level <= kLapLevels; ++level) {
    const Value start = x;
    for (int64_t r = 0; r < config.whole("recursions"); ++r) {
      for (int64_t d = 1; d <= config.whole("depth"); ++d) {
        x = layers.conv(fmt::format("conv{}", d), g.leaky_relu(x, kLapLeak), width);
      }
      x = x + start;
    }
    x = lap_doubled(g, layers, "upconv", g.leaky_relu(x, kLapLeak), width);
    image = lap_enlarged(layers, "img_up", image) + layers.conv("residual_conv", x, 1);
    g.output(image, int64_t{1} << level);
    for (int64_t later = level + 1; later <= kLapLevels; ++later) {
      g.intermediate(fmt::format("x{}", 1 << level), image, int64_t{1} << later, int64_t{1} << level);
    }
  }
  begin_bilinear(g, "img_up");
  return g;
}

std::optional<Config> read_mslapsrn(const WeightsFile& weights) {
  constexpr double kPublishedRecursions = 8.0;
  const FileShapes shapes(weights);
  const std::string suffix = lap_suffix(shapes);
  const std::string first = "input_conv" + suffix;
  if (!shapes.has(first) || !shapes.has("conv1" + suffix) || !shapes.has("img_up" + suffix)) return std::nullopt;
  Config config;
  config.scales = {2, 4, 8};
  config.set("width", static_cast<double>(shapes.size(first, suffix == "_f" ? 3 : 0)));
  config.set("depth", static_cast<double>(shapes.count("conv", suffix, 1)));
  config.set("recursions", shapes.remark("recursions", kPublishedRecursions));
  return config;
}

}  // namespace

Kind lapsrn() {
  Kind kind{"lapsrn", "LapSRN (Lai et al. 2017)", read_lapsrn, lapsrn_graph};
  kind.traits.channels = 1;
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "convolutions of each level", 10, 1, 64}};
  kind.trainable_scales = {2, 4, 8};
  kind.all_scales = true;
  kind.pyramid = true;
  kind.supervision = Supervision::kPixels;
  kind.renamed = renamed_lapsrn;
  return kind;
}

Kind mslapsrn() {
  Kind kind{"mslapsrn", "MS-LapSRN (Lai et al. 2019)", read_mslapsrn, mslapsrn_graph};
  kind.traits.channels = 1;
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "convolutions of a block", 5, 1, 64},
                 {"recursions", "times that a block is applied", 8, 1, 32}};
  kind.trainable_scales = {2, 4, 8};
  kind.all_scales = true;
  kind.pyramid = true;
  kind.supervision = Supervision::kPixels;
  kind.renamed = renamed_lapsrn;
  return kind;
}

}  // namespace zsr::networks
