#include "networks/all_kinds.h"
#include "networks/distillation.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>
#include <utility>

namespace zsr::networks {
namespace {

// Enhanced spatial attention: a mask from a coarse look (a third of half the size) at a few channels.
struct SpatialAttention {
  Conv first, strided, coarse1, coarse2, coarse3, around, last;
  torch::Tensor operator()(const torch::Tensor& image) const {
    const torch::Tensor few = first(image);
    const torch::Tensor pooled = torch::max_pool2d(strided(few), {7, 7}, {3, 3});
    const torch::Tensor look = coarse3(coarse2(coarse1(pooled)));
    const torch::Tensor large =
        torch::upsample_bilinear2d(look, {image.size(2), image.size(3)}, /*align_corners=*/false);
    return image * torch::sigmoid(last(large + around(few)));
  }
};

// Residual feature distillation block: thin 1x1 branches keep, 3x3 convolutions with their input added go on.
struct FeatureBlock {
  double leak;
  std::array<Conv, 3> keep, go_on;
  Conv c4, c5;
  SpatialAttention attention;
  torch::Tensor operator()(const torch::Tensor& image) const {
    std::vector<torch::Tensor> kept;
    torch::Tensor x = image;
    for (size_t i = 0; i < 3; ++i) {
      kept.push_back(keep[i](x));
      x = torch::leaky_relu(go_on[i](x) + x, leak);
    }
    kept.push_back(c4(x));
    return attention(c5(torch::cat(kept, 1)));
  }
};

/// RFDN (Liu, Tang and Wu, ECCVW 2020; winner of AIM 2020's efficient super-resolution).
class Rfdn : public Distillation {
 public:
  explicit Rfdn(const WeightsFile& weights) {
    WeightsReader reader(weights, "RFDN");
    const int64_t width = reader.size("fea_conv.weight", 0);
    const int64_t thin = reader.size("B1.c1_d.weight", 0);
    const int64_t few = reader.size("B1.esa.conv1.weight", 0);
    const int64_t count = reader.count("B", ".c1_d.weight", 1);
    std::vector<Block> blocks;
    for (int64_t b = 1; b <= count; ++b) {
      const std::string name = fmt::format("B{}.", b);
      FeatureBlock block{kLeak};
      for (size_t i = 0; i < 3; ++i) {
        block.keep[i] = Conv(reader.conv(fmt::format("{}c{}_d", name, i + 1), thin, width, 1), Follow::leaky(kLeak));
        block.go_on[i] = Conv(reader.conv(fmt::format("{}c{}_r", name, i + 1), width, width, 3));
      }
      block.c4 = Conv(reader.conv(name + "c4", thin, width, 3), Follow::leaky(kLeak));
      block.c5 = Conv(reader.conv(name + "c5", width, 4 * thin, 1));
      const auto conv = [&](const char* part, int64_t side) { return reader.conv(name + part, few, few, side); };
      block.attention = {Conv(reader.conv(name + "esa.conv1", few, width, 1)),
                         Conv(conv("esa.conv2", 3), {}, 2, 1, 0),
                         Conv(conv("esa.conv_max", 3), Follow::relu()),
                         Conv(conv("esa.conv3", 3), Follow::relu()),
                         Conv(conv("esa.conv3_", 3)),
                         Conv(conv("esa.conv_f", 1)),
                         Conv(reader.conv(name + "esa.conv4", width, few, 1))};
      blocks.emplace_back(std::move(block));
    }
    read_around(reader, std::move(blocks), width);
    reader.finish();
    traits_.reach = Traits::kWholePhoto;  // the coarse look stands on a grid of its own
    traits_.least_side = 24;              // under which that look has no pixel
    find_range();
  }

 private:
  // The authors count colours from 0 to 1, the winner's file of AIM 2020 from 0 to 255. Nothing in it says so, but for
  // one of them only a gray area stays as gray as it was.
  void find_range() {
    constexpr double kGray = 0.5;
    constexpr int64_t kSide = 48;
    const auto miss = [&](double range) {
      range_ = range;
      const torch::NoGradGuard no_grad;
      const torch::Tensor made =
          forward({torch::full({1, 3, kSide, kSide}, kGray), traits_.scales[0], std::nullopt, 0.0, false});
      const int64_t inside = kSide / 4 * traits_.scales[0];
      return (made.slice(2, inside, -inside).slice(3, inside, -inside) - kGray).abs().mean().item<double>();
    };
    const double miss_of_one = miss(1.0);
    range_ = miss(255.0) < miss_of_one ? 255.0 : 1.0;
  }
};

}  // namespace

Kind rfdn() {
  return {"rfdn", "RFDN (Liu et al. 2020)",
          [](const WeightsFile& weights) {
            return weights.find("B1.c1_d.weight") != nullptr && weights.find("B1.esa.conv_max.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Rfdn>(weights); }};
}

}  // namespace zsr::networks
