#include "networks/all_kinds.h"
#include "networks/layers.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>

namespace zsr::networks {
namespace {

// Residual block; the efficient one has grouped convolutions and a 1x1 convolution to mix the groups.
struct Residual {
  Conv c1, c2, mix;
  bool mixes = false;
  torch::Tensor operator()(const torch::Tensor& image) const {
    const torch::Tensor x = c2(c1(image));
    return torch::relu((mixes ? mix(x) : x) + image);
  }
};

// Three units, each of which sees all before it through a 1x1 convolution.
template <typename Unit>
torch::Tensor cascade(const torch::Tensor& image, const std::array<Unit, 3>& units,
                      const std::array<Conv, 3>& gathers) {
  torch::Tensor seen = image;
  torch::Tensor x = image;
  for (size_t i = 0; i < 3; ++i) {
    seen = torch::cat({seen, units[i](x)}, 1);
    x = gathers[i](seen);
  }
  return x;
}

struct Block {
  std::array<Residual, 3> units;  // CARN-M has the same weights in all three
  std::array<Conv, 3> gathers;
  torch::Tensor operator()(const torch::Tensor& image) const { return cascade(image, units, gathers); }
};

/// CARN and CARN-M (Ahn, Kang and Sohn, ECCV 2018): residual blocks in two storeys of cascades; one body for x2, x3 and
/// x4 where the file has them.
class Carn : public Network {
 public:
  explicit Carn(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "CARN");
    const int64_t width = reader.size("entry.weight", 0);
    entry_ = Conv(reader.conv("entry", width, 3, 3));
    for (int64_t b = 1; b <= 3; ++b) {
      Block& block = blocks_[static_cast<size_t>(b - 1)];
      for (int64_t u = 1; u <= 3; ++u) {
        const bool shared = !reader.has(fmt::format("b{}.b2.body.0.weight", b));
        const std::string name = fmt::format("b{}.b{}.body", b, shared ? 1 : u);
        Residual& unit = block.units[static_cast<size_t>(u - 1)];
        unit.c1 = grouped(reader, name + ".0", width, width);
        unit.c2 = grouped(reader, name + ".2", width, width, reader.has(name + ".4.weight"));
        unit.mixes = reader.has(name + ".4.weight");
        if (unit.mixes) unit.mix = Conv(reader.conv(name + ".4", width, width, 1));
        block.gathers[static_cast<size_t>(u - 1)] = gather(reader, fmt::format("b{}.c{}", b, u), width, u);
      }
      gathers_[static_cast<size_t>(b - 1)] = gather(reader, fmt::format("c{}", b), width, b);
    }
    // The single-scale networks call their only part "up".
    for (int64_t scale = 2; scale <= 4; ++scale) {
      const std::string name = fmt::format("upsample.up{}.body", scale);
      if (!reader.has(name + ".0.weight")) continue;
      auto& steps = up_[static_cast<size_t>(scale - 2)];
      steps.push_back(grouped(reader, name + ".0", (scale == 3 ? 9 : 4) * width, width));
      if (scale == 4) steps.push_back(grouped(reader, name + ".3", 4 * width, width));
      traits_.scales.push_back(scale);
    }
    if (traits_.scales.empty()) reader.difference("no 'upsample.up2', 'upsample.up3' or 'upsample.up4'");
    exit_ = Conv(reader.conv("exit", 3, width, 3));
    mean_ = take_mean_shift(reader, 1.0);
    reader.finish();
    traits_.reach = 1 + 3 * 3 * 2 + 3;
  }

  torch::Tensor forward(const Input& input) const override {
    return mean_.around(input.image, [&](const torch::Tensor& image) {
      torch::Tensor x = cascade(entry_(image), blocks_, gathers_);
      const int64_t factor = input.scale == 3 ? 3 : 2;
      for (const Conv& step : up_[static_cast<size_t>(input.scale - 2)]) x = torch::pixel_shuffle(step(x), factor);
      return exit_(x);
    });
  }

 private:
  // The number of groups shows in the shape.
  static Conv grouped(WeightsReader& reader, const std::string& name, int64_t out, int64_t in, bool relu = true) {
    const int64_t stored = std::max<int64_t>(1, reader.size(name + ".weight", 1));
    const int64_t groups = in % stored == 0 ? in / stored : 1;
    return Conv(reader.conv(name, out, in / groups, 3), relu ? Follow::relu() : Follow{}, 1, groups);
  }
  static Conv gather(WeightsReader& reader, const std::string& name, int64_t width, int64_t seen) {
    return Conv(reader.conv(name + ".body.0", width, width * (seen + 1), 1), Follow::relu());
  }

  Conv entry_;
  std::array<Block, 3> blocks_;
  std::array<Conv, 3> gathers_;
  std::array<std::vector<Conv>, 3> up_;
  Conv exit_;
  MeanShift mean_;
};

}  // namespace

Kind carn() {
  return {"carn", "CARN and CARN-M (Ahn et al. 2018)",
          [](const WeightsFile& weights) {
            return weights.find("entry.weight") != nullptr && weights.find("b1.b1.body.0.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Carn>(weights); }};
}

}  // namespace zsr::networks
