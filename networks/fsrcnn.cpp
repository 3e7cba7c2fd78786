#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::networks {
namespace {

constexpr int64_t kLastSide = 9;

/// FSRCNN (Dong, Loy and Tang, ECCV 2016): shrink, map, expand on the small luma, then one transposed convolution.
/// Names of J. Yeo's code (yjn870). No shape tells the scale; but for one scale only a gray area stays as gray as it
/// was, so the weights are asked.
class Fsrcnn : public Network {
 public:
  explicit Fsrcnn(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "FSRCNN");
    const int64_t wide = reader.size("first_part.0.weight", 0);
    const int64_t narrow = reader.size("mid_part.0.weight", 0);
    const auto slope = [&](const std::string& name, int64_t count) {
      return Follow::prelu(reader.take(name + ".weight", {count}));
    };
    layers_.emplace_back(reader.conv("first_part.0", wide, 1, 5), slope("first_part.1", wide));
    layers_.emplace_back(reader.conv("mid_part.0", narrow, wide, 1), slope("mid_part.1", narrow));
    int64_t place = 2;
    for (; reader.size(fmt::format("mid_part.{}.weight", place), 2) == 3; place += 2) {
      layers_.emplace_back(reader.conv(fmt::format("mid_part.{}", place), narrow, narrow, 3),
                           slope(fmt::format("mid_part.{}", place + 1), narrow));
    }
    layers_.emplace_back(reader.conv(fmt::format("mid_part.{}", place), wide, narrow, 1),
                         slope(fmt::format("mid_part.{}", place + 1), wide));
    last_weight_ = reader.take("last_part.weight", {wide, 1, kLastSide, kLastSide});
    last_bias_ = reader.take("last_part.bias", {1});
    reader.finish();
    traits_.channels = 1;
    traits_.reach = 2 + static_cast<int64_t>(layers_.size()) + kLastSide;
    traits_.scales = {find_scale()};
  }

  torch::Tensor forward(const Input& input) const override {
    torch::Tensor x = input.image;
    for (const Conv& layer : layers_) x = layer(x);
    return torch::conv_transpose2d(x, last_weight_, last_bias_, input.scale, kLastSide / 2, input.scale - 1);
  }

 private:
  int64_t find_scale() const {
    constexpr double kGray = 0.5;
    constexpr int64_t kSide = 32;
    int64_t best = 2;
    double least = 0.0;
    for (const int64_t scale : {2, 3, 4}) {
      const torch::Tensor flat = torch::full({1, 1, kSide, kSide}, kGray);
      const torch::Tensor made = forward({flat, scale, std::nullopt, 0.0, false});
      const int64_t inside = kSide / 4 * scale;
      const double miss =
          (made.slice(2, inside, -inside).slice(3, inside, -inside) - kGray).abs().mean().item<double>();
      if (scale == 2 || miss < least) {
        best = scale;
        least = miss;
      }
    }
    return best;
  }

  std::vector<Conv> layers_;
  torch::Tensor last_weight_, last_bias_;
};

}  // namespace

Kind fsrcnn() {
  return {"fsrcnn", "FSRCNN (Dong et al. 2016)",
          [](const WeightsFile& weights) {
            return weights.find("first_part.0.weight") != nullptr && weights.find("last_part.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Fsrcnn>(weights); }};
}

}  // namespace zsr::networks
