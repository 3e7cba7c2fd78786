#include "networks/edsr_layers.h"

#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

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

torch::Tensor run_edsr(const ConvChain& chain, const torch::Tensor& input, const torch::Tensor& parameters) {
  const torch::Tensor mean = MeanShift().mean.to(input.device());
  const torch::Tensor of_maps = torch::zeros({1, input.size(1) - 3, 1, 1}, mean.options());
  return chain.forward((input - torch::cat({mean, of_maps}, 1)).contiguous(), parameters) + mean;
}

std::optional<EdsrShape> edsr_shape_of(const WeightsFile& weights) {
  const torch::Tensor* const head = weights.find("head.0.weight");
  const torch::Tensor* const first_shuffle = weights.find("tail.0.0.weight");
  if (head == nullptr || head->dim() != 4 || first_shuffle == nullptr || first_shuffle->dim() != 4 ||
      weights.find("tail.1.weight") == nullptr) {
    return std::nullopt;
  }
  EdsrShape shape{head->size(1), head->size(0), 0, 2};
  while (weights.find(fmt::format("body.{}.body.0.weight", shape.blocks)) != nullptr) ++shape.blocks;
  if (first_shuffle->size(0) == 9 * shape.width) {
    shape.scale = 3;
  } else if (weights.find("tail.0.2.weight") != nullptr) {
    shape.scale = 4;
  }
  return shape.blocks > 0 ? std::optional(shape) : std::nullopt;
}

std::vector<EdsrWeights> take_edsr(const WeightsFile& weights, const EdsrShape& shape) {
  // The full network of 256 channels counts the second convolution of a block a tenth.
  constexpr int64_t kFullWidth = 256;
  const std::vector<ConvLayer> layers = edsr_layers(shape);
  std::vector<EdsrWeights> taken;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string name = edsr_layer_name(shape, static_cast<int64_t>(i));
    const bool counts_less = shape.width == kFullWidth && name.ends_with(".body.2");
    const double share = counts_less ? 0.1 : 1.0;
    taken.push_back({weights.take(name + ".weight", {layers[i].out_channels, layers[i].in_channels, 3, 3}) * share,
                     weights.take(name + ".bias", {layers[i].out_channels}) * (share / MeanShift().range)});
  }
  return taken;
}

}  // namespace zsr::networks
