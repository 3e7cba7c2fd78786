#include "training/squeezenet_features.h"

#include "core/error.h"
#include "training/squeezenet_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

namespace zsr::training {
namespace {

constexpr int64_t kLeastSide = 2;  // of a feature map that is compared

// Max pooling 3x3 with stride 2 that covers the border too, as Caffe does it.
torch::Tensor pool(const torch::Tensor& x) {
  return torch::max_pool2d(x, 3, 2, 0, 1, /*ceil_mode=*/true);
}

int64_t pooled_side(int64_t side) {
  return side / 2;  // ceil((side - 3) / 2) + 1 for side >= 3
}

// Length one over the channels. The small number keeps the gradient finite where all features are 0.
torch::Tensor unit(const torch::Tensor& features) {
  constexpr double kSmall = 1e-10;
  return features * (features.square().sum(1, true) + kSmall).rsqrt();
}

// What the network was trained on: B, G, R from 0 to 255 without the mean of ImageNet.
torch::Tensor network_input(const torch::Tensor& image) {
  const torch::Tensor mean = torch::tensor({104.0F, 117.0F, 123.0F}).view({1, 3, 1, 1}).to(image.device());
  return image.flip(1) * 255.0 - mean;
}

}  // namespace

const std::vector<std::string>& SqueezeNetFeatures::default_layers() {
  static const std::vector<std::string> layers = {"fire2", "fire3", "fire4", "fire5", "fire7"};
  return layers;
}

SqueezeNetFeatures::SqueezeNetFeatures(const WeightsFile& weights, const std::vector<std::string>& layers) {
  std::set<std::string> wanted(layers.begin(), layers.end());
  if (wanted.empty()) throw OptionError("no SqueezeNet layer named");
  for (const SqueezeNetLayer& layer : squeezenet_layers()) {
    const std::string name = layer.name.substr(0, layer.name.find('.'));
    if (stages_.empty() || stages_.back().name != name) {
      if (wanted.empty() || name == "conv10") break;
      const bool pooled = name == "fire2" || name == "fire5" || name == "fire9";
      stages_.push_back({name, pooled, wanted.erase(name) > 0, {}});
    }
    stages_.back().convs.push_back(
        {weights.take(layer.name + ".weight", layer.shape()), weights.take(layer.name + ".bias", {layer.out})});
  }
  if (!wanted.empty()) {
    throw OptionError(fmt::format("content layer '{}' must be conv1 or fire2 to fire9", *wanted.begin()));
  }
}

torch::Tensor SqueezeNetFeatures::Conv::apply(const torch::Tensor& x, int64_t stride, int64_t padding) const {
  const auto like = [&](const torch::Tensor& values) { return values.to(x.device(), x.scalar_type()); };
  return torch::relu(torch::conv2d(x, like(weight), like(bias), stride, padding));
}

torch::Tensor SqueezeNetFeatures::Stage::run(const torch::Tensor& x) const {
  if (convs.size() == 1) return convs[0].apply(x, 2, 0);
  const torch::Tensor squeezed = convs[0].apply(pooled ? pool(x) : x, 1, 0);
  return torch::cat({convs[1].apply(squeezed, 1, 0), convs[2].apply(squeezed, 1, 1)}, 1);
}

std::vector<torch::Tensor> SqueezeNetFeatures::features(const torch::Tensor& image) const {
  std::vector<torch::Tensor> result;
  torch::Tensor x = network_input(image);
  for (const Stage& stage : stages_) {
    int64_t side = std::min(x.size(2), x.size(3));
    if (stage.name == "conv1") side = side < 7 ? 0 : (side - 7) / 2 + 1;
    if (stage.pooled) side = pooled_side(side);
    if (side < kLeastSide) break;
    x = stage.run(x);
    if (stage.compared) result.push_back(unit(x));
  }
  return result;
}

torch::Tensor SqueezeNetFeatures::distance(const torch::Tensor& made, const torch::Tensor& target) const {
  if (made.sizes() != target.sizes()) throw OptionError("the loss 'content' compares images of one size");
  std::vector<torch::Tensor> wanted;
  {
    const torch::NoGradGuard no_grad;
    wanted = features(target);
  }
  if (wanted.empty()) {
    throw OptionError(fmt::format("images of {}x{} pixels are too small for the layers of the loss 'content'",
                                  target.size(3), target.size(2)));
  }
  const std::vector<torch::Tensor> seen = features(made);
  torch::Tensor sum;
  for (size_t i = 0; i < seen.size(); ++i) {
    const torch::Tensor mean = (seen[i] - wanted[i]).square().sum(1).mean();
    sum = sum.defined() ? sum + mean : mean;
  }
  return sum / static_cast<double>(seen.size());
}

}  // namespace zsr::training
