// The network as a sequence of LibTorch operations.
#include "dip/skip_network.h"

#include <torch/types.h>

namespace zsr::dip {
namespace {

constexpr double kEpsilon = 1e-5;  // of PyTorch's batch normalisation
constexpr double kSlope = 0.2;

torch::Tensor normalise(const torch::Tensor& x, const torch::Tensor& gain, const torch::Tensor& shift) {
  return torch::batch_norm(x, gain, shift, {}, {}, true, 0.0, kEpsilon, false);
}

torch::Tensor convolve(const torch::Tensor& x, const Slice& weight, const Slice& bias, int64_t stride,
                       const torch::Tensor& parameters) {
  const int64_t border = weight.shape[2] / 2;
  const torch::Tensor padded = border > 0 ? torch::reflection_pad2d(x, {border, border, border, border}) : x;
  return torch::conv2d(padded, weight.of(parameters), bias.of(parameters), stride);
}

torch::Tensor layer(const torch::Tensor& x, const LayerSlices& slices, int64_t stride,
                    const torch::Tensor& parameters) {
  const torch::Tensor y = convolve(x, slices.weight, slices.bias, stride, parameters);
  return torch::leaky_relu(normalise(y, slices.gain.of(parameters), slices.shift.of(parameters)), kSlope);
}

torch::Tensor enlarge(const torch::Tensor& x, bool bilinear) {
  const std::vector<int64_t> size = {2 * x.size(2), 2 * x.size(3)};
  return bilinear ? torch::upsample_bilinear2d(x, size, false) : torch::upsample_nearest2d(x, size);
}

}  // namespace

torch::Tensor non_local_block(const NonLocalSlices& slices, const torch::Tensor& x, const torch::Tensor& parameters) {
  const int64_t half = slices.value.shape[0];
  const auto embed = [&](const Slice& weight, const Slice& bias) {
    return torch::conv2d(x, weight.of(parameters), bias.of(parameters));
  };
  const torch::Tensor value = torch::max_pool2d(embed(slices.value, slices.value_bias), {2, 2}).view({half, -1});
  const torch::Tensor key = torch::max_pool2d(embed(slices.key, slices.key_bias), {2, 2}).view({half, -1});
  const torch::Tensor query = embed(slices.query, slices.query_bias).view({half, -1});
  // (query^T key) value^T, taken from the right: the places need not all be compared with all.
  const torch::Tensor mix = torch::matmul(key, value.t()) / static_cast<double>(key.size(1));
  const torch::Tensor found = torch::matmul(mix.t(), query).view({1, half, x.size(2), x.size(3)});
  const torch::Tensor back = torch::conv2d(found, slices.back.weight.of(parameters), slices.back.bias.of(parameters));
  return x + normalise(back, slices.back.gain.of(parameters), slices.back.shift.of(parameters));
}

torch::Tensor SkipNetwork::by_torch(const torch::Tensor& noise, const torch::Tensor& parameters) const {
  std::vector<torch::Tensor> skips;
  torch::Tensor x = noise;
  for (size_t i = 0; i < layout_.levels.size(); ++i) {
    const LevelSlices& level = layout_.levels[i];
    skips.push_back(spec_.skip[i] > 0 ? layer(x, level.skip, 1, parameters) : torch::Tensor());
    x = layer(x, level.down, 2, parameters);
    if (!level.non_local.value.shape.empty()) x = non_local_block(level.non_local, x, parameters);
    x = layer(x, level.second, 1, parameters);
  }
  for (size_t i = layout_.levels.size(); i-- > 0;) {
    const LevelSlices& level = layout_.levels[i];
    x = enlarge(x, spec_.bilinear);
    if (skips[i].defined()) x = torch::cat({skips[i], x}, 1);
    x = normalise(x, level.joint_gain.of(parameters), level.joint_shift.of(parameters));
    x = layer(x, level.up, 1, parameters);
    if (spec_.point_wise_up) x = layer(x, level.point, 1, parameters);
  }
  return torch::sigmoid(convolve(x, layout_.last, layout_.last_bias, 1, parameters));
}

}  // namespace zsr::dip
