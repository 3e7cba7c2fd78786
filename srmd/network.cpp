#include "srmd/network.h"

#include "core/error.h"

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

}  // namespace

bool is_srmd(const WeightsFile& weights) {
  const int64_t depth = depth_of(weights);
  if (depth < 2) return false;
  const torch::Tensor* const first = weights.find(layer_name(weights, 0) + ".weight");
  const torch::Tensor* const last = weights.find(layer_name(weights, depth - 1) + ".weight");
  return first->dim() == 4 && last->dim() == 4 && last->size(1) == first->size(0) &&
         (first->size(1) == 3 + Network::kComponents || first->size(1) == 4 + Network::kComponents);
}

Network::Network(const WeightsFile& weights) {
  if (!is_srmd(weights)) {
    throw InputError(
        fmt::format("'{}' does not hold an SRMD network (convolutions from 18 or 19 maps on)", weights.origin));
  }
  depth_ = depth_of(weights);
  const int64_t width = weights.find(layer_name(weights, 0) + ".weight")->size(0);
  const int64_t maps = weights.find(layer_name(weights, 0) + ".weight")->size(1);
  const int64_t outputs = weights.find(layer_name(weights, depth_ - 1) + ".weight")->size(0);
  knows_noise_ = maps == 4 + kComponents;
  scale_ = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(outputs) / 3.0)));
  if (scale_ < 1 || scale_ > 8 || 3 * scale_ * scale_ != outputs) {
    throw InputError(fmt::format("'{}': an SRMD network with {} outputs has no scale", weights.origin, outputs));
  }
  std::vector<ConvLayer> layers;
  for (int64_t i = 0; i < depth_; ++i) {
    layers.push_back({i == 0 ? maps : width, i + 1 == depth_ ? outputs : width, true, i + 1 < depth_});
  }
  chain_ = std::make_unique<ConvChain>(layers);
  parameters_ = torch::empty({chain_->parameter_count()});
  for (int64_t i = 0; i < depth_; ++i) {
    const auto index = static_cast<size_t>(i);
    const std::string name = layer_name(weights, i);
    torch::Tensor weight = chain_->weight(parameters_, index);
    torch::Tensor bias = chain_->bias(parameters_, index);
    weight.copy_(weights.take(name + ".weight", weight.sizes()));
    bias.copy_(weights.take(name + ".bias", bias.sizes()));
  }
}

torch::Tensor Network::forward(const torch::Tensor& maps) const {
  const torch::NoGradGuard no_grad;
  return torch::pixel_shuffle(chain_->forward(maps.contiguous(), parameters_), scale_);
}

}  // namespace zsr::srmd
