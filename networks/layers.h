#pragma once

#include "core/conv/conv_chain.h"
#include "networks/weights_reader.h"

#include <torch/types.h>

#include <memory>
#include <vector>

namespace zsr::networks {

/// What follows a convolution.
struct Follow {
  enum class Kind { kNothing, kRelu, kSlope };
  Kind kind = Kind::kNothing;
  double leak = 0.0;    ///< kSlope: negative values times it ...
  torch::Tensor slope;  ///< ... or times these, one number or one a channel.

  static Follow relu() { return {Kind::kRelu, 0.0, {}}; }
  static Follow leaky(double leak) { return {Kind::kSlope, leak, {}}; }
  static Follow prelu(torch::Tensor slope) { return {Kind::kSlope, 0.0, std::move(slope)}; }
};

/// Consecutive 3x3 convolutions with trained weights, in the fast convolution's layout from the first to the last.
class TrainedChain {
 public:
  /// Appends a convolution [out, in, 3, 3]; returns the number of the image that it makes (the input is 0), for a later
  /// `sum`. `sum` -1 for none. See ConvLayer.
  int64_t append(const ConvWeights& conv, const Follow& follow = {}, int64_t sum = -1, int64_t shuffle = 1);
  /// [N, C, h, w] -> [N, C', h s, w s].
  torch::Tensor operator()(const torch::Tensor& image) const;
  /// Convolutions so far.
  int64_t length() const { return static_cast<int64_t>(layers_.size()); }

 private:
  std::vector<ConvLayer> layers_;
  std::vector<torch::Tensor> values_;
  // Made on first use; forward is logically const.
  mutable std::shared_ptr<ConvChain> chain_;
  mutable torch::Tensor parameters_;
};

/// One convolution: 3x3 ones of one group and stride 1 run on the fast convolution, others on at::conv2d. Zero padding
/// keeps the size at stride 1 unless `padding` says otherwise.
class Conv {
 public:
  Conv() = default;
  explicit Conv(ConvWeights weights, Follow follow = {}, int64_t stride = 1, int64_t groups = 1, int64_t padding = -1);
  torch::Tensor operator()(const torch::Tensor& image) const;

 private:
  ConvWeights weights_;
  Follow follow_;
  int64_t stride_ = 1;
  int64_t groups_ = 1;
  int64_t padding_ = 0;
  std::shared_ptr<TrainedChain> fast_;
};

torch::Tensor apply(const Follow& follow, const torch::Tensor& image);

}  // namespace zsr::networks
