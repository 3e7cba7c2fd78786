#include "networks/layers.h"

#include <torch/types.h>

namespace zsr::networks {

torch::Tensor apply(const Follow& follow, const torch::Tensor& image) {
  switch (follow.kind) {
    case Follow::Kind::kNothing:
      return image;
    case Follow::Kind::kRelu:
      return torch::relu(image);
    case Follow::Kind::kSlope:
      break;
  }
  return follow.slope.defined() ? torch::prelu(image, follow.slope) : torch::leaky_relu(image, follow.leak);
}

int64_t TrainedChain::append(const ConvWeights& conv, const Follow& follow, int64_t sum, int64_t shuffle) {
  const int64_t out = conv.weight.size(0);
  const bool slope = follow.kind == Follow::Kind::kSlope;
  layers_.push_back(
      {conv.weight.size(1), out, conv.bias.defined(), follow.kind == Follow::Kind::kRelu, slope, sum, shuffle});
  values_.push_back(conv.weight.reshape({-1}));
  if (conv.bias.defined()) values_.push_back(conv.bias);
  if (slope) {
    values_.push_back(follow.slope.defined() ? follow.slope.expand({out}) : torch::full({out}, follow.leak));
  }
  chain_.reset();
  return length();
}

torch::Tensor TrainedChain::operator()(const torch::Tensor& image) const {
  if (!chain_) {
    chain_ = std::make_shared<ConvChain>(layers_);
    parameters_ = torch::cat(values_).to(torch::kFloat32);
  }
  return chain_->forward(image.contiguous(), parameters_);
}

Conv::Conv(ConvWeights weights, Follow follow, int64_t stride, int64_t groups, int64_t padding)
    : weights_(std::move(weights)),
      follow_(std::move(follow)),
      stride_(stride),
      groups_(groups),
      padding_(padding < 0 ? weights_.weight.size(2) / 2 : padding) {
  if (weights_.weight.size(2) == 3 && stride == 1 && groups == 1 && padding_ == 1) {
    fast_ = std::make_shared<TrainedChain>();
    fast_->append(weights_, follow_);
  }
}

torch::Tensor Conv::operator()(const torch::Tensor& image) const {
  if (fast_) return (*fast_)(image);
  return apply(follow_, torch::conv2d(image, weights_.weight, weights_.bias, stride_, padding_, 1, groups_));
}

}  // namespace zsr::networks
