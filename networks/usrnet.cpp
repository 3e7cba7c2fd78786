#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/data_step.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <array>

namespace zsr::networks {
namespace {

constexpr size_t kLevels = 3;    // of the prior's U
constexpr int64_t kWhole = 8;    // its sides must be multiples of
constexpr int64_t kMargin = 24;  // LR pixels mirrored around the photo, as the data step sees it as a torus

TrainedChain residual_blocks(WeightsReader& reader, const std::string& prefix, int64_t first, int64_t width) {
  TrainedChain chain;
  int64_t image = 0;
  for (int64_t i = first; reader.has(fmt::format("{}.{}.res.0.weight", prefix, i)); ++i) {
    const std::string name = fmt::format("{}.{}.res", prefix, i);
    chain.append(reader.conv(name + ".0", width, width, 3), Follow::relu());
    image = chain.append(reader.conv(name + ".2", width, width, 3), {}, image);
  }
  return chain;
}

/// USRNet (Zhang, Van Gool and Timofte, CVPR 2020): for any kernel, scale and noise; alternates an exact step for the
/// data with a U-shaped denoiser, strengths of both given by a small network from noise and scale.
class Usrnet : public Network {
 public:
  explicit Usrnet(const WeightsFile& weights) : Network({}) {
    WeightsReader reader(weights, "USRNet");
    head_ = Conv(reader.conv("p.m_head", reader.size("p.m_head.weight", 0), 4, 3));
    int64_t width = reader.size("p.m_head.weight", 0);
    std::array<int64_t, kLevels + 1> widths{width};
    for (size_t level = 0; level < kLevels; ++level) {
      const std::string name = fmt::format("p.m_down{}", level + 1);
      down_blocks_[level] = residual_blocks(reader, name, 0, width);
      const std::string strided = fmt::format("{}.{}", name, down_blocks_[level].length() / 2);
      const int64_t next = reader.size(strided + ".weight", 0);
      down_[level] = Conv(reader.conv(strided, next, width, 2), {}, 2, 1, 0);
      widths[level + 1] = width = next;
    }
    body_ = residual_blocks(reader, "p.m_body", 0, width);
    for (size_t level = kLevels; level-- > 0;) {
      const std::string name = fmt::format("p.m_up{}", level + 1);
      up_[level] = reader.take(name + ".0.weight", {widths[level + 1], widths[level], 2, 2});
      up_blocks_[level] = residual_blocks(reader, name, 1, widths[level]);
    }
    tail_ = Conv(reader.conv("p.m_tail", 3, widths[0], 3));
    const int64_t hidden = reader.size("h.mlp.0.weight", 0);
    steps_ = reader.size("h.mlp.4.weight", 0) / 2;
    strengths_ = {Conv(reader.conv("h.mlp.0", hidden, 2, 1), Follow::relu()),
                  Conv(reader.conv("h.mlp.2", hidden, hidden, 1), Follow::relu()),
                  Conv(reader.conv("h.mlp.4", 2 * steps_, hidden, 1))};
    reader.finish();
    traits_.takes_kernel = true;
    traits_.reach = Traits::kWholePhoto;
  }

  torch::Tensor forward(const Input& input) const override {
    if (!input.kernel) throw OptionError("USRNet needs the photo's kernel");
    const int64_t s = input.scale;
    const int64_t height = input.image.size(2);
    const int64_t width = input.image.size(3);
    const auto margin = [](int64_t length) { return std::min(kMargin, length - 1); };
    const int64_t top = margin(height);
    const int64_t left = margin(width);
    const torch::Tensor y = torch::reflection_pad2d(input.image, {left, left, top, top});
    const DataStep data_step(y, *input.kernel, s);
    const auto known = torch::tensor({static_cast<float>(input.noise), static_cast<float>(s)}).view({1, 2, 1, 1});
    constexpr double kLeast = 1e-6;
    const torch::Tensor strengths =
        (torch::softplus(strengths_[2](strengths_[1](strengths_[0](known)))) + kLeast).view({-1}).contiguous();
    torch::Tensor x = y.repeat_interleave(s, 2).repeat_interleave(s, 3);
    for (int64_t i = 0; i < steps_; ++i) {
      x = data_step(x, strengths[i].item<double>());
      const torch::Tensor level = strengths[steps_ + i].view({1, 1, 1, 1}).expand({1, 1, x.size(2), x.size(3)});
      x = denoise(torch::cat({x, level}, 1));
    }
    return x.narrow(2, top * s, height * s).narrow(3, left * s, width * s);
  }

 private:
  torch::Tensor denoise(const torch::Tensor& image) const {
    const auto missing = [](int64_t length) { return (kWhole - length % kWhole) % kWhole; };
    const torch::Tensor padded =
        torch::replication_pad2d(image, {0, missing(image.size(3)), 0, missing(image.size(2))});
    std::array<torch::Tensor, kLevels + 1> seen{head_(padded)};
    for (size_t level = 0; level < kLevels; ++level) seen[level + 1] = down_[level](down_blocks_[level](seen[level]));
    torch::Tensor x = body_(seen[kLevels]);
    for (size_t level = kLevels; level-- > 0;) {
      x = up_blocks_[level](torch::conv_transpose2d(x + seen[level + 1], up_[level], {}, 2));
    }
    return tail_(x + seen[0]).slice(2, 0, image.size(2)).slice(3, 0, image.size(3));
  }

  int64_t steps_ = 0;
  Conv head_, tail_;
  std::array<TrainedChain, kLevels> down_blocks_, up_blocks_;
  std::array<Conv, kLevels> down_;
  std::array<torch::Tensor, kLevels> up_;
  TrainedChain body_;
  std::array<Conv, 3> strengths_;
};

}  // namespace

Kind usrnet() {
  return {"usrnet", "USRNet (Zhang et al. 2020)",
          [](const WeightsFile& weights) {
            return weights.find("p.m_head.weight") != nullptr && weights.find("h.mlp.0.weight") != nullptr;
          },
          [](const WeightsFile& weights) -> std::unique_ptr<Network> { return std::make_unique<Usrnet>(weights); }};
}

}  // namespace zsr::networks
