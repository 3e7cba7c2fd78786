#include "srmd/network.h"

#include "core/error.h"
#include "networks/edsr_layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::srmd {
namespace {

// "model.0.weight" in PyTorch files, "Conv_0.weight" in ncnn ones; every second number is an activation.
std::string layer_name(const WeightsFile& weights, int64_t index) {
  const char* const prefix = weights.find("Conv_0.weight") != nullptr ? "Conv_" : "model.";
  return fmt::format("{}{}", prefix, 2 * index);
}

int64_t depth_of(const WeightsFile& weights) {
  int64_t depth = 0;
  while (weights.find(layer_name(weights, depth) + ".weight") != nullptr) ++depth;
  return depth;
}

bool is_map_count(int64_t channels) {
  return channels == 3 + Network::kComponents || channels == 4 + Network::kComponents;
}

// SRMD's maps on EDSR's trunk.
std::optional<networks::EdsrShape> edsr_shape(const WeightsFile& weights) {
  const auto shape = networks::edsr_shape_of(weights);
  return shape && is_map_count(shape->inputs) ? shape : std::nullopt;
}

}  // namespace

bool is_srmd(const WeightsFile& weights) {
  if (edsr_shape(weights)) return true;
  const int64_t depth = depth_of(weights);
  if (depth < 2) return false;
  const torch::Tensor* const first = weights.find(layer_name(weights, 0) + ".weight");
  const torch::Tensor* const last = weights.find(layer_name(weights, depth - 1) + ".weight");
  return first->dim() == 4 && last->dim() == 4 && last->size(1) == first->size(0) && is_map_count(first->size(1));
}

Network::Network(const WeightsFile& weights) {
  if (!is_srmd(weights)) {
    throw InputError(
        fmt::format("'{}' does not hold an SRMD network (convolutions from 18 or 19 maps on)", weights.origin));
  }
  on_edsr_ = edsr_shape(weights).has_value();
  if (on_edsr_) {
    build_on_edsr(weights);
  } else {
    build_chain(weights);
  }
}

void Network::build_chain(const WeightsFile& weights) {
  const int64_t depth = depth_of(weights);
  reach_ = depth;
  const int64_t width = weights.find(layer_name(weights, 0) + ".weight")->size(0);
  const int64_t maps = weights.find(layer_name(weights, 0) + ".weight")->size(1);
  const int64_t outputs = weights.find(layer_name(weights, depth - 1) + ".weight")->size(0);
  knows_noise_ = maps == 4 + kComponents;
  scale_ = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(outputs) / 3.0)));
  if (scale_ < 1 || scale_ > 8 || 3 * scale_ * scale_ != outputs) {
    throw InputError(fmt::format("'{}': an SRMD network with {} outputs has no scale", weights.origin, outputs));
  }
  std::vector<ConvLayer> layers;
  for (int64_t i = 0; i < depth; ++i) {
    layers.push_back({i == 0 ? maps : width, i + 1 == depth ? outputs : width, true, i + 1 < depth});
  }
  chain_ = std::make_unique<ConvChain>(layers);
  parameters_ = torch::empty({chain_->parameter_count()});
  for (int64_t i = 0; i < depth; ++i) {
    const auto index = static_cast<size_t>(i);
    torch::Tensor weight = chain_->weight(parameters_, index);
    torch::Tensor bias = chain_->bias(parameters_, index);
    weight.copy_(weights.take(layer_name(weights, i) + ".weight", weight.sizes()));
    bias.copy_(weights.take(layer_name(weights, i) + ".bias", bias.sizes()));
  }
}

void Network::build_on_edsr(const WeightsFile& weights) {
  const networks::EdsrShape shape = *edsr_shape(weights);
  scale_ = shape.scale;
  knows_noise_ = shape.inputs == 4 + kComponents;
  chain_ = std::make_unique<ConvChain>(networks::edsr_layers(shape));
  parameters_ = torch::empty({chain_->parameter_count()});
  const std::vector<networks::EdsrWeights> taken = networks::take_edsr(weights, shape);
  reach_ = static_cast<int64_t>(taken.size());
  for (size_t i = 0; i < taken.size(); ++i) {
    chain_->weight(parameters_, i).copy_(taken[i].weight);
    chain_->bias(parameters_, i).copy_(taken[i].bias);
  }
}

torch::Tensor Network::forward(const torch::Tensor& maps) const {
  const torch::NoGradGuard no_grad;
  if (!on_edsr_) return torch::pixel_shuffle(chain_->forward(maps.contiguous(), parameters_), scale_);
  return networks::run_edsr(*chain_, maps, parameters_);
}

}  // namespace zsr::srmd
