#include "networks/all_kinds.h"
#include "networks/layers.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <array>

namespace zsr::networks {
namespace {

/// MDSR (Lim et al. 2017): one body for x2, x3 and x4, with its own two 5x5 residual blocks before it and its own
/// pixel shuffles behind it for each.
class Mdsr : public Network {
 public:
  explicit Mdsr(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "MDSR");
    const int64_t blocks = reader.count("body.", ".body.0.weight");
    const int64_t width = reader.size("head.0.weight", 0);
    head_ = Conv(reader.conv("head.0", width, 3, 3));
    for (size_t s = 0; s < kScales; ++s) {
      for (size_t i = 0; i < 2; ++i) {
        const std::string name = fmt::format("pre_process.{}.{}.body", s, i);
        before_[s][2 * i] = Conv(reader.conv(name + ".0", width, width, 5), Follow::relu());
        before_[s][2 * i + 1] = Conv(reader.conv(name + ".2", width, width, 5));
      }
    }
    int64_t image = 0;
    for (int64_t i = 0; i < blocks; ++i) {
      body_.append(reader.conv(fmt::format("body.{}.body.0", i), width, width, 3), Follow::relu());
      image = body_.append(reader.conv(fmt::format("body.{}.body.2", i), width, width, 3), {}, image);
    }
    body_.append(reader.conv(fmt::format("body.{}", blocks), width, width, 3), {}, 0);
    const ConvWeights tail = reader.conv("tail.0", 3, width, 3);
    after_[0].append(reader.conv("upsample.0.0", 4 * width, width, 3), {}, -1, 2);
    after_[1].append(reader.conv("upsample.1.0", 9 * width, width, 3), {}, -1, 3);
    after_[2].append(reader.conv("upsample.2.0", 4 * width, width, 3), {}, -1, 2);
    after_[2].append(reader.conv("upsample.2.2", 4 * width, width, 3), {}, -1, 2);
    for (TrainedChain& chain : after_) chain.append(tail);
    mean_ = take_mean_shift(reader);
    reader.finish();
    traits_.scales = {2, 3, 4};
    traits_.reach = 1 + 4 * 2 + body_.length() + 3;
  }

  torch::Tensor forward(const Input& input) const override {
    const auto s = static_cast<size_t>(input.scale - 2);
    return mean_.around(input.image, [&](const torch::Tensor& image) {
      torch::Tensor x = head_(image);
      for (size_t i = 0; i < 2; ++i) x = x + before_[s][2 * i + 1](before_[s][2 * i](x));
      return after_[s](body_(x));
    });
  }

 private:
  static constexpr size_t kScales = 3;
  Conv head_;
  std::array<std::array<Conv, 4>, kScales> before_;
  TrainedChain body_;
  std::array<TrainedChain, kScales> after_;
  MeanShift mean_;
};

}  // namespace

Kind mdsr() {
  return {"mdsr", "MDSR (Lim et al. 2017)",
          [](const WeightsFile& weights) { return weights.find("pre_process.0.0.body.0.weight") != nullptr; },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Mdsr>(weights); }};
}

}  // namespace zsr::networks
