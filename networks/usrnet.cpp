#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/data_step.h"
#include "networks/layers.h"

#include <fmt/format.h>
#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::networks {
namespace {

constexpr size_t kLevels = 3;    // of the prior's U
constexpr int64_t kWhole = 8;    // its sides must be multiples of
constexpr int64_t kMargin = 24;  // LR pixels around the photo, at least: the data step sees it as a torus

// 1 inside, falling to 0 over `margin` at both ends.
torch::Tensor window(int64_t length, int64_t margin) {
  torch::Tensor weights = torch::ones({length});
  auto values = weights.accessor<float, 1>();
  for (int64_t i = 0; i < margin; ++i) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(margin);
    values[i] = values[length - 1 - i] = static_cast<float>(0.5 - 0.5 * std::cos(M_PI * part));
  }
  return weights;
}

// The margins blended towards a version of the image that is smooth across its own ends, so that the torus has no seam
// to ring from.
torch::Tensor tapered(const torch::Tensor& image, int64_t top, int64_t left) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto low_pass = [](int64_t length, int64_t margin) {
    // A Gaussian of a third of the margin, as its transfer function.
    const double sigma = std::max(1.0, static_cast<double>(margin) / 3.0);
    const torch::Tensor f = torch::fft::fftfreq(length);
    return torch::exp(f.square() * (-2.0 * M_PI * M_PI * sigma * sigma));
  };
  const torch::Tensor filter = low_pass(height, top).view({-1, 1}) * low_pass(width, left).view({1, -1});
  const torch::Tensor smooth = torch::real(torch::fft::ifft2(torch::fft::fft2(image) * filter));
  const torch::Tensor inside = window(height, top).view({-1, 1}) * window(width, left).view({1, -1});
  return smooth + (image - smooth) * inside;
}

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
    // As far as the kernel reaches, and again.
    const int64_t reach = std::max(input.kernel->height(), input.kernel->width()) / s + 1;
    const auto margin = [&](int64_t length) {
      return input.circular ? 0 : std::min(std::max(kMargin, reach), length - 1);
    };
    const int64_t top = margin(height);
    const int64_t left = margin(width);
    torch::Tensor y = input.image;
    if (!input.circular) y = tapered(torch::reflection_pad2d(y, {left, left, top, top}), top, left);
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
