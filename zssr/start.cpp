#include "zssr/start.h"

#include "core/error.h"
#include "core/weights/shipped.h"
#include "degradations/kernel_code.h"
#include "degradations/kernel_families.h"
#include "networks/edsr_layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace zsr::zssr {

std::vector<ConvLayer> Start::layers(int64_t colors) const {
  if (is_edsr) return networks::edsr_layers({3, width, blocks, scale});
  std::vector<ConvLayer> layers = {{.in_channels = colors + kMaps, .out_channels = width}};
  for (int64_t i = 0; i < blocks; ++i) {
    const auto into = static_cast<int64_t>(layers.size());
    layers.push_back({.in_channels = width, .out_channels = width, .relu = true});
    layers.push_back({.in_channels = width, .out_channels = width, .add = into});
  }
  layers.push_back({.in_channels = width, .out_channels = width, .add = 1});
  layers.push_back({.in_channels = width, .out_channels = colors * scale * scale});
  return layers;
}

std::string Start::name_of(int64_t layer) const {
  if (layer == 0) return "head.0";
  if (layer <= 2 * blocks) return fmt::format("body.{}.body.{}", (layer - 1) / 2, (layer - 1) % 2 * 2);
  return layer == 2 * blocks + 1 ? fmt::format("body.{}", blocks) : "tail";
}

bool Start::is_start(const WeightsFile& file) {
  const torch::Tensor* const first = file.find("head.0.weight");
  return first != nullptr && first->dim() == 4 && first->size(1) == 3 + kMaps && file.find("tail.weight") != nullptr;
}

Start Start::from_edsr(const WeightsFile& file) {
  const networks::EdsrShape shape = *networks::edsr_shape_of(file);
  Start start;
  start.name = std::filesystem::path(file.origin).filename();
  start.is_edsr = true;
  start.scale = shape.scale;
  start.blocks = shape.blocks;
  start.width = shape.width;
  for (const networks::EdsrWeights& layer : networks::take_edsr(file, shape)) {
    start.weights.push_back(layer.weight);
    start.biases.push_back(layer.bias);
  }
  return start;
}

Start Start::from_weights(const WeightsFile& file) {
  if (const auto shape = networks::edsr_shape_of(file); shape && shape->inputs == 3) return from_edsr(file);
  if (!is_start(file)) {
    throw InputError(fmt::format("'{}' holds no starting point of zssr ('zsr train zssr-start' makes one) and no EDSR",
                                 file.origin));
  }
  Start start;
  start.name = std::filesystem::path(file.origin).filename();
  start.width = file.find("head.0.weight")->size(0);
  while (file.find(fmt::format("body.{}.body.0.weight", start.blocks)) != nullptr) ++start.blocks;
  const int64_t outputs = file.find("tail.weight")->size(0);
  start.scale = std::llround(std::sqrt(static_cast<double>(outputs) / 3.0));
  if (start.blocks < 1 || start.scale < 2 || 3 * start.scale * start.scale != outputs) {
    throw InputError(fmt::format("'{}': a starting point of {} blocks and {} outputs has no scale", file.origin,
                                 start.blocks, outputs));
  }
  const auto layers = start.layers(3);
  for (size_t i = 0; i < layers.size(); ++i) {
    start.weights.push_back(file.take(start.name_of(static_cast<int64_t>(i)) + ".weight",
                                      {layers[i].out_channels, layers[i].in_channels, 3, 3}));
  }
  return start;
}

std::shared_ptr<const Start> Start::shipped(const std::string& name) {
  Start start = from_weights(shipped_weights(name));
  start.name = name;
  return std::make_shared<const Start>(std::move(start));
}

torch::Tensor start_condition(const std::optional<BlurKernel>& kernel, double noise, int64_t scale, Phase phase) {
  const auto factor = static_cast<double>(scale);
  const auto code =
      kernel_code(kernel ? *kernel : make_kernel({.family = KernelFamily::kBicubic, .scale = factor}), factor);
  torch::Tensor maps = torch::empty({1, Start::kMaps, 1, 1});
  float* const values = maps.data_ptr<float>();
  std::copy(code.begin(), code.end(), values);
  values[code.size()] = static_cast<float>(noise / Start::kNoiseUnit);
  const double middle = 0.5 * (factor - 1.0);
  values[code.size() + 1] = static_cast<float>((phase.y - middle) / middle);
  values[code.size() + 2] = static_cast<float>((phase.x - middle) / middle);
  return maps;
}

torch::Tensor turned_condition(const torch::Tensor& condition, int64_t index) {
  std::array<float, kKernelCodeLength> code;
  const torch::Tensor plain = condition.to(torch::kCPU).contiguous();
  std::copy_n(plain.data_ptr<float>(), code.size(), code.begin());
  code = turned_code(code, index);
  torch::Tensor turned = plain.clone();
  float* const values = turned.data_ptr<float>();
  std::copy(code.begin(), code.end(), values);
  float& y = values[code.size() + 1];
  float& x = values[code.size() + 2];
  for (int64_t quarter = 0; quarter < (index & 3); ++quarter) {
    const float old_y = y;
    y = -x;
    x = old_y;
  }
  if (index >= 4) x = -x;
  return turned.to(condition.device());
}

}  // namespace zsr::zssr
