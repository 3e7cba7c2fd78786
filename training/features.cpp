#include "training/features.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::training {
namespace {

constexpr std::array<int64_t, 5> kChannels = {64, 128, 256, 512, 512};

// The file's convolutions by their place in torchvision's list: every one is followed by a ReLU, every block by a
// pooling.
struct Block {
  std::vector<int64_t> places;
};

std::vector<Block> blocks_of(const WeightsFile& weights) {
  std::vector<Block> blocks(kChannels.size());
  int64_t place = 0;
  for (size_t i = 0; i < kChannels.size(); ++i) {
    const auto next = [&] { return weights.find(fmt::format("features.{}.weight", place)); };
    while (next() != nullptr && next()->dim() == 4 && next()->size(0) == kChannels[i]) {
      blocks[i].places.push_back(place);
      place += 2;
      // Blocks 4 and 5 have the same width: a pooling stands where no convolution does.
    }
    ++place;
  }
  return blocks;
}

}  // namespace

VggFeatures::VggFeatures(const WeightsFile& weights, const std::string& layer) {
  const bool named = layer.size() == 7 && layer.starts_with("conv") && layer[5] == '_' && layer[4] >= '1' &&
                     layer[4] <= '5' && layer[6] >= '1' && layer[6] <= '4';
  if (!named) throw OptionError(fmt::format("content layer '{}' must be conv1_1 to conv5_4", layer));
  const auto last_block = static_cast<size_t>(layer[4] - '1');
  const auto last = static_cast<size_t>(layer[6] - '1');
  const std::vector<Block> blocks = blocks_of(weights);
  int64_t in = 3;
  for (size_t b = 0; b <= last_block; ++b) {
    const std::vector<int64_t>& places = blocks[b].places;
    const size_t count = b == last_block ? last + 1 : places.size();
    if (places.empty() || count > places.size()) {
      throw InputError(fmt::format("'{}' holds no VGG network with a layer {}", weights.origin, layer));
    }
    if (b > 0) layers_.push_back({});
    for (size_t i = 0; i < count; ++i) {
      const std::string name = fmt::format("features.{}", places[i]);
      layers_.push_back(
          {weights.take(name + ".weight", {kChannels[b], in, 3, 3}), weights.take(name + ".bias", {kChannels[b]})});
      in = kChannels[b];
    }
  }
}

torch::Tensor VggFeatures::features(const torch::Tensor& image) const {
  // Of the photos that VGG was trained on.
  const torch::Tensor mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  const torch::Tensor deviation = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
  torch::Tensor x = (image - mean) / deviation;
  bool activate = false;
  for (const Layer& layer : layers_) {
    if (activate) x = torch::relu(x);
    activate = layer.weight.defined();
    x = activate ? torch::conv2d(x, layer.weight, layer.bias, 1, 1) : torch::max_pool2d(x, 2);
  }
  return x;
}

torch::Tensor VggFeatures::distance(const torch::Tensor& made, const torch::Tensor& target) const {
  torch::Tensor wanted;
  {
    const torch::NoGradGuard no_grad;
    wanted = features(target);
  }
  return (features(made) - wanted).abs().mean();
}

}  // namespace zsr::training
