#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

/// SRResNet without batch normalisation, as BasicSR trains it (MSRResNet): residual blocks, pixel shuffles, two more
/// convolutions, and the bilinear enlargement added.
class Msrresnet : public Network {
 public:
  explicit Msrresnet(const WeightsFile& weights) : Network({}) {
    constexpr double kLeak = 0.1;
    WeightsReader reader(weights, "SRResNet");
    const int64_t width = reader.size("conv_first.weight", 0);
    int64_t image = chain_.append(reader.conv("conv_first", width, 3, 3), Follow::leaky(kLeak));
    const int64_t blocks = reader.count("body.", ".conv1.weight");
    for (int64_t i = 0; i < blocks; ++i) {
      chain_.append(reader.conv(fmt::format("body.{}.conv1", i), width, width, 3), Follow::relu());
      image = chain_.append(reader.conv(fmt::format("body.{}.conv2", i), width, width, 3), {}, image);
    }
    for (const char* const name : {"upconv1", "upconv2"}) {
      if (!reader.has(std::string(name) + ".weight")) continue;
      const int64_t factor = reader.shuffle_factor(name, width);
      chain_.append(reader.conv(name, factor * factor * width, width, 3), Follow::leaky(kLeak), -1, factor);
      scale_ *= factor;
    }
    chain_.append(reader.conv("conv_hr", width, width, 3), Follow::leaky(kLeak));
    chain_.append(reader.conv("conv_last", 3, width, 3));
    reader.finish();
    traits_.scales = {scale_};
    traits_.reach = chain_.length() + 1;
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor made = chain_(input.image);
    return made + torch::upsample_bilinear2d(input.image, {made.size(2), made.size(3)}, /*align_corners=*/false);
  }

 private:
  TrainedChain chain_;
  int64_t scale_ = 1;
};

/// SRResNet as the generator of SRGAN (Ledig et al., CVPR 2017): batch normalisation (merged here), learned slopes,
/// 9x9 convolutions at both ends, colours from -1 to 1 by tanh. Names of the code by H. Ren (leftthomas/SRGAN).
class Generator : public Network {
 public:
  explicit Generator(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "SRGAN's generator");
    const int64_t width = reader.size("block1.0.weight", 0);
    head_ = Conv(reader.conv("block1.0", width, 3, 9), slope(reader, "block1.1"));
    int64_t block = 2;
    int64_t image = 0;
    for (; reader.has(fmt::format("block{}.conv1.weight", block)); ++block) {
      const std::string name = fmt::format("block{}", block);
      const ConvWeights first = reader.conv(name + ".conv1", width, width, 3);
      const ConvWeights second = reader.conv(name + ".conv2", width, width, 3);
      body_.append(merge_batch_norm(reader, name + ".bn1", first), slope(reader, name + ".prelu"));
      image = body_.append(merge_batch_norm(reader, name + ".bn2", second), {}, image);
    }
    const std::string after = fmt::format("block{}", block);
    // The long sum comes after this activation, so it is not the chain's.
    body_.append(reader.conv(after + ".0", width, width, 3), slope(reader, after + ".1"));
    const std::string last = fmt::format("block{}", block + 1);
    const int64_t doublings = reader.count(last + ".", ".conv.weight");
    for (int64_t i = 0; i < doublings; ++i) {
      const std::string name = fmt::format("{}.{}", last, i);
      up_.append(reader.conv(name + ".conv", 4 * width, width, 3), slope(reader, name + ".prelu"), -1, 2);
    }
    tail_ = Conv(reader.conv(fmt::format("{}.{}", last, doublings), 3, width, 9));
    reader.finish();
    traits_.scales = {int64_t{1} << doublings};
    traits_.reach = 4 + body_.length() + doublings + 4;
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor first = head_(input.image);
    return (torch::tanh(tail_(up_(first + body_(first)))) + 1.0) * 0.5;
  }

 private:
  static Follow slope(WeightsReader& reader, const std::string& name) {
    return Follow::prelu(reader.take(name + ".weight", {1}));
  }

  Conv head_;
  TrainedChain body_;
  TrainedChain up_;
  Conv tail_;
};

bool is_generator(const WeightsFile& weights) {
  return weights.find("block1.0.weight") != nullptr && weights.find("block2.bn1.weight") != nullptr;
}

}  // namespace

Kind srresnet() {
  return {"srresnet", "SRResNet (Ledig et al. 2017; BasicSR's without normalisation, or SRGAN's generator)",
          [](const WeightsFile& weights) {
            return is_generator(weights) ||
                   (weights.find("conv_first.weight") != nullptr && weights.find("body.0.conv1.weight") != nullptr &&
                    weights.find("upconv1.weight") != nullptr);
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> {
            if (is_generator(weights)) return std::make_unique<Generator>(weights);
            return std::make_unique<Msrresnet>(weights);
          }};
}

}  // namespace zsr::networks
