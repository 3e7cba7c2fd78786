#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>

namespace zsr::networks {
namespace {

constexpr double kLeak = 0.2;
constexpr double kShare = 0.2;  // of every residual
constexpr size_t kDense = 5;

// BasicSR's and Real-ESRGAN's names, or those of ESRGAN's first code and BSRGAN.
struct Names {
  std::string block;  // with {} for block and dense part
  std::string body, up1, up2, hr;
};

Names names_of(const WeightsFile& weights) {
  if (weights.find("conv_body.weight") != nullptr) {
    return {"body.{}.rdb{}.conv", "conv_body", "conv_up1", "conv_up2", "conv_hr"};
  }
  return {"RRDB_trunk.{}.RDB{}.conv", "trunk_conv", "upconv1", "upconv2", "HRconv"};
}

// Each of the five convolutions sees all that came before it.
struct DenseBlock {
  std::array<Conv, kDense> convs;
  torch::Tensor operator()(const torch::Tensor& image) const {
    std::vector<torch::Tensor> seen{image};
    for (size_t i = 0; i + 1 < kDense; ++i) seen.push_back(convs[i](torch::cat(seen, 1)));
    return convs[kDense - 1](torch::cat(seen, 1)) * kShare + image;
  }
};

/// RRDBNet of ESRGAN (Wang et al., ECCVW 2018), Real-ESRGAN and BSRGAN: dense blocks within residual blocks, nearest
/// neighbours and convolutions to enlarge. With 12 or 48 inputs the photo first loses pixels to channels (Real-ESRGAN's
/// x2 and x1).
class Rrdb : public Network {
 public:
  explicit Rrdb(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "RRDB");
    const Names names = names_of(weights);
    const int64_t width = reader.size("conv_first.weight", 0);
    const int64_t inputs = reader.size("conv_first.weight", 1);
    unshuffle_ = inputs == 12 ? 2 : inputs == 48 ? 4 : 1;
    first_ = Conv(reader.conv("conv_first", width, 3 * unshuffle_ * unshuffle_, 3));
    const auto block_name = [&](int64_t block, int64_t part) {
      return fmt::format(fmt::runtime(names.block), block, part);
    };
    const int64_t growth = reader.size(block_name(0, 1) + "1.weight", 0);
    for (int64_t b = 0; reader.has(block_name(b, 1) + "1.weight"); ++b) {
      auto& block = blocks_.emplace_back();
      for (size_t part = 0; part < 3; ++part) {
        for (size_t i = 0; i < kDense; ++i) {
          const auto in = width + static_cast<int64_t>(i) * growth;
          const bool last = i + 1 == kDense;
          const std::string name = fmt::format("{}{}", block_name(b, static_cast<int64_t>(part) + 1), i + 1);
          block[part].convs[i] =
              Conv(reader.conv(name, last ? width : growth, in, 3), last ? Follow{} : Follow::leaky(kLeak));
        }
      }
    }
    body_ = Conv(reader.conv(names.body, width, width, 3));
    int64_t scale = 1;
    for (const std::string& name : {names.up1, names.up2}) {
      if (!reader.has(name + ".weight")) continue;
      up_.emplace_back(reader.conv(name, width, width, 3), Follow::leaky(kLeak));
      scale *= 2;
    }
    end_.append(reader.conv(names.hr, width, width, 3), Follow::leaky(kLeak));
    end_.append(reader.conv("conv_last", 3, width, 3));
    reader.finish();
    traits_.scales = {std::max<int64_t>(1, scale / unshuffle_)};
    const auto convs = static_cast<int64_t>(blocks_.size()) * 3 * static_cast<int64_t>(kDense) + 6;
    traits_.reach = convs * unshuffle_;
  }

  torch::Tensor forward(const Input& input) const override {
    const int64_t height = input.image.size(2);
    const int64_t width = input.image.size(3);
    const auto missing = [&](int64_t length) { return (unshuffle_ - length % unshuffle_) % unshuffle_; };
    torch::Tensor image = input.image;
    if (missing(height) + missing(width) > 0) {
      image = torch::replication_pad2d(image, {0, missing(width), 0, missing(height)});
    }
    const torch::Tensor first = first_(unshuffle_ > 1 ? torch::pixel_unshuffle(image, unshuffle_) : image);
    torch::Tensor x = first;
    for (const auto& block : blocks_) x = block[2](block[1](block[0](x))) * kShare + x;
    x = first + body_(x);
    for (const Conv& conv : up_) x = conv(x.repeat_interleave(2, 2).repeat_interleave(2, 3));
    const int64_t scale = traits_.scales[0];
    return end_(x).slice(2, 0, height * scale).slice(3, 0, width * scale);
  }

 private:
  int64_t unshuffle_ = 1;
  Conv first_;
  std::vector<std::array<DenseBlock, 3>> blocks_;
  Conv body_;
  std::vector<Conv> up_;
  TrainedChain end_;
};

}  // namespace

Kind rrdb() {
  return {"rrdb", "RRDBNet (ESRGAN, Real-ESRGAN, BSRGAN)",
          [](const WeightsFile& weights) {
            return weights.find("body.0.rdb1.conv1.weight") != nullptr ||
                   weights.find("RRDB_trunk.0.RDB1.conv1.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Rrdb>(weights); }};
}

}  // namespace zsr::networks
