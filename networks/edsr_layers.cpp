#include "networks/edsr_layers.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

std::vector<int64_t> shuffles(int64_t scale) {
  if (scale == 1) return {};
  return scale == 4 ? std::vector<int64_t>{2, 2} : std::vector<int64_t>{scale};
}

}  // namespace

std::vector<ConvLayer> edsr_layers(const EdsrShape& shape) {
  const int64_t w = shape.width;
  std::vector<ConvLayer> layers = {{.in_channels = shape.inputs, .out_channels = w, .bias = true}};
  for (int64_t i = 0; i < shape.blocks; ++i) {
    const auto into = static_cast<int64_t>(layers.size());
    layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .relu = true});
    layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .add = into});
  }
  layers.push_back({.in_channels = w, .out_channels = w, .bias = true, .add = 1});
  for (const int64_t factor : shuffles(shape.scale)) {
    layers.push_back({.in_channels = w, .out_channels = w * factor * factor, .bias = true, .shuffle = factor});
  }
  layers.push_back({.in_channels = w, .out_channels = 3, .bias = true});
  return layers;
}

std::string edsr_layer_name(const EdsrShape& shape, int64_t layer) {
  const int64_t trunk = 2 * shape.blocks + 2;
  if (layer == 0) return "head.0";
  if (layer + 1 < trunk) return fmt::format("body.{}.body.{}", (layer - 1) / 2, (layer - 1) % 2 * 2);
  if (layer + 1 == trunk) return fmt::format("body.{}", shape.blocks);
  const auto upsampling = static_cast<int64_t>(shuffles(shape.scale).size());
  return layer < trunk + upsampling ? fmt::format("tail.0.{}", 2 * (layer - trunk)) : "tail.1";
}

}  // namespace zsr::networks
