#include "networks/distillation.h"

#include <torch/types.h>

#include <utility>

namespace zsr::networks {

void Distillation::read_around(WeightsReader& reader, std::vector<Block> blocks, int64_t width) {
  const auto count = static_cast<int64_t>(blocks.size());
  blocks_ = std::move(blocks);
  first_ = Conv(reader.conv("fea_conv", width, 3, 3));
  gather_ = Conv(reader.conv("c.0", width, width * count, 1), Follow::leaky(kLeak));
  after_ = Conv(reader.conv("LR_conv", width, width, 3));
  scale_ = reader.shuffle_factor("upsampler.0", 3);
  last_ = Conv(reader.conv("upsampler.0", 3 * scale_ * scale_, width, 3));
  traits_.scales = {scale_};
}

torch::Tensor Distillation::forward(const Input& input) const {
  const torch::Tensor first = first_(input.image * range_);
  std::vector<torch::Tensor> made;
  torch::Tensor x = first;
  for (const Block& block : blocks_) made.push_back(x = block(x));
  return torch::pixel_shuffle(last_(after_(gather_(torch::cat(made, 1))) + first), scale_) / range_;
}

}  // namespace zsr::networks
