#include "networks/all_kinds.h"
#include "networks/layers.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

// Where the published codes keep the convolutions: Lim et al. (EDSR-PyTorch) and BasicSR.
struct Names {
  std::string head, before_sum, last;
  std::string first_of_block, second_of_block;  // with {} for the block
  std::string upsample;                         // with {} for 0, 2, 4
};

Names names_of(const WeightsReader& reader, int64_t blocks) {
  if (reader.has("conv_after_body.weight")) {
    return {"conv_first", "conv_after_body", "conv_last", "body.{}.conv1", "body.{}.conv2", "upsample.{}"};
  }
  return {"head.0", fmt::format("body.{}", blocks), "tail.1", "body.{}.body.0", "body.{}.body.2", "tail.0.{}"};
}

int64_t count_blocks(const WeightsReader& reader) {
  return std::max(reader.count("body.", ".body.0.weight"), reader.count("body.", ".conv1.weight"));
}

std::string place(const std::string& pattern, int64_t index) {
  return fmt::format(fmt::runtime(pattern), index);
}

/// EDSR (Lim, Son, Kim, Nah and Lee, CVPRW 2017): residual blocks without normalisation around one long sum, pixel
/// shuffle at the end. Baseline: 16 blocks of 64 channels; full: 32 of 256 whose second convolution counts a tenth.
class Edsr : public Network {
 public:
  explicit Edsr(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "EDSR");
    const int64_t blocks = count_blocks(reader);
    const Names names = names_of(reader, blocks);
    const int64_t width = reader.size(names.head + ".weight", 0);
    constexpr int64_t kFullWidth = 256;
    const double share = width == kFullWidth ? 0.1 : 1.0;
    const int64_t head = chain_.append(reader.conv(names.head, width, 3, 3));
    int64_t image = head;
    for (int64_t i = 0; i < blocks; ++i) {
      const int64_t into = image;
      chain_.append(reader.conv(place(names.first_of_block, i), width, width, 3), Follow::relu());
      ConvWeights second = reader.conv(place(names.second_of_block, i), width, width, 3);
      second.weight = second.weight * share;
      if (second.bias.defined()) second.bias = second.bias * share;
      image = chain_.append(second, {}, into);
    }
    chain_.append(reader.conv(names.before_sum, width, width, 3), {}, head);
    const int64_t far = chain_.length();
    int64_t scale = 1;
    for (int64_t i = 0; reader.has(place(names.upsample, i) + ".weight"); i += 2) {
      const std::string name = place(names.upsample, i);
      const int64_t factor = reader.shuffle_factor(name, width);
      chain_.append(reader.conv(name, factor * factor * width, width, 3), {}, -1, factor);
      scale *= factor;
    }
    chain_.append(reader.conv(names.last, 3, width, 3));
    mean_ = take_mean_shift(reader);
    reader.finish();
    traits_.scales = {scale};
    traits_.reach = far + 3;
  }

  torch::Tensor forward(const Input& input) const override { return mean_.around(input.image, chain_); }

 private:
  TrainedChain chain_;
  MeanShift mean_;
};

}  // namespace

Kind edsr() {
  return {"edsr", "EDSR (Lim et al. 2017)",
          [](const WeightsFile& weights) {
            const auto has = [&](const char* name) { return weights.find(name) != nullptr; };
            return (has("head.0.weight") && has("body.0.body.0.weight") && has("tail.0.0.weight")) ||
                   (has("conv_first.weight") && has("body.0.conv1.weight") && has("conv_after_body.weight"));
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Edsr>(weights); }};
}

}  // namespace zsr::networks
