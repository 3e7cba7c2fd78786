#include "networks/all_kinds.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// PyTorch counts "body.0", "body.1", ... with the slopes at odd places; ncnn says "Conv_0", "PRelu_1".
std::string conv_name(const WeightsFile& weights, int64_t index) {
  return fmt::format("{}{}", weights.find("Conv_0.weight") != nullptr ? "Conv_" : "body.", 2 * index);
}
std::string slope_name(const WeightsFile& weights, int64_t index) {
  return fmt::format("{}{}", weights.find("Conv_0.weight") != nullptr ? "PRelu_" : "body.", 2 * index + 1);
}

/// SRVGGNetCompact of Real-ESRGAN (Wang et al. 2021): a plain chain of convolutions with learned slopes, one pixel
/// shuffle, and the enlarged pixels themselves added.
class Srvgg : public Network {
 public:
  explicit Srvgg(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "SRVGG");
    const int64_t width = reader.size(conv_name(weights, 0) + ".weight", 0);
    int64_t i = 0;
    for (; reader.has(slope_name(weights, i) + ".weight"); ++i) {
      const ConvWeights conv = reader.conv(conv_name(weights, i), width, i == 0 ? 3 : width, 3);
      chain_.append(conv, Follow::prelu(reader.take(slope_name(weights, i) + ".weight", {width})));
    }
    scale_ = reader.shuffle_factor(conv_name(weights, i), 3);
    chain_.append(reader.conv(conv_name(weights, i), 3 * scale_ * scale_, width, 3));
    reader.finish();
    traits_.scales = {scale_};
    traits_.reach = chain_.length();
  }

  torch::Tensor forward(const Input& input) const override {
    const torch::Tensor base = input.image.repeat_interleave(scale_, 2).repeat_interleave(scale_, 3);
    return torch::pixel_shuffle(chain_(input.image), scale_) + base;
  }

 private:
  TrainedChain chain_;
  int64_t scale_ = 1;
};

}  // namespace

Kind srvgg() {
  return {"srvgg", "SRVGGNetCompact (Real-ESRGAN, Wang et al. 2021)",
          [](const WeightsFile& weights) {
            const torch::Tensor* const slope = weights.find(slope_name(weights, 0) + ".weight");
            const torch::Tensor* const first = weights.find(conv_name(weights, 0) + ".weight");
            return slope != nullptr && slope->dim() == 1 && first != nullptr && first->dim() == 4 &&
                   first->size(1) == 3 && first->size(2) == 3;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Srvgg>(weights); }};
}

}  // namespace zsr::networks
