#include "networks/self_attention.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

// Products, what softmax makes of them, and one copy, float32.
constexpr double kPairBytes = 12.0;

torch::Tensor attend_to_pixels(const std::vector<torch::Tensor>& in, bool over_queries) {
  const torch::Tensor scores = torch::matmul(in[0].flatten(2).transpose(1, 2), in[1].flatten(2));
  const torch::Tensor weights = torch::softmax(scores, over_queries ? 1 : 2);
  const torch::Tensor seen = torch::matmul(weights, in[2].flatten(2).transpose(1, 2));
  return seen.transpose(1, 2).reshape(in[2].sizes());
}

// [N, 3 C, H, W] as [3, N, regions, heads, C / heads, pixels], and back from a result without the 3.
class Regions {
 public:
  Regions(const torch::Tensor& image, int64_t heads, ChannelRegion region, int64_t side)
      : count_(image.size(0)),
        heads_(heads),
        depth_(image.size(1) / (3 * heads)),
        height_(image.size(2)),
        width_(image.size(3)),
        region_(region),
        side_(region == ChannelRegion::kWhole ? 1 : side) {}

  torch::Tensor parted(const torch::Tensor& image) const {
    if (region_ == ChannelRegion::kWhole) return image.reshape({count_, 3, 1, heads_, depth_, -1}).transpose(0, 1);
    const torch::Tensor parts =
        image.reshape({count_, 3, heads_, depth_, height_ / side_, side_, width_ / side_, side_});
    const int64_t windows = height_ / side_ * (width_ / side_);
    if (region_ == ChannelRegion::kWindow) {
      return parts.permute({1, 0, 4, 6, 2, 3, 5, 7}).reshape({3, count_, windows, heads_, depth_, side_ * side_});
    }
    return parts.permute({1, 0, 5, 7, 2, 3, 4, 6}).reshape({3, count_, side_ * side_, heads_, depth_, windows});
  }

  torch::Tensor joined(const torch::Tensor& parts) const {
    const std::vector<int64_t> size{count_, heads_ * depth_, height_, width_};
    if (region_ == ChannelRegion::kWhole) return parts.reshape(size);
    const int64_t rows = height_ / side_;
    const int64_t columns = width_ / side_;
    if (region_ == ChannelRegion::kWindow) {
      return parts.reshape({count_, rows, columns, heads_, depth_, side_, side_})
          .permute({0, 3, 4, 1, 5, 2, 6})
          .reshape(size);
    }
    return parts.reshape({count_, side_, side_, heads_, depth_, rows, columns})
        .permute({0, 3, 4, 5, 1, 6, 2})
        .reshape(size);
  }

 private:
  int64_t count_, heads_, depth_, height_, width_;
  ChannelRegion region_;
  int64_t side_;
};

torch::Tensor unit_length(const torch::Tensor& x) {
  constexpr double kLeast = 1e-12;
  return x / x.norm(2, {-1}, true).clamp_min(kLeast);
}

}  // namespace

Value pixel_attention(Graph& g, Value query, Value key, Value value, bool over_queries) {
  return g.custom({"attention over all pixels", [](const std::vector<Shape>& in) { return in[2]; },
                   [over_queries](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     return attend_to_pixels(in, over_queries);
                   },
                   -1, kPairBytes},
                  {query, key, value});
}

Value channel_attention(Graph& g, Value x, const std::string& temperature, int64_t heads, ChannelRegion region,
                        int64_t side) {
  const int64_t channels = g.node(x.node).channels;
  if (channels % (3 * heads) != 0) {
    throw OptionError(fmt::format("attention between {} channels cannot have {} heads", channels / 3, heads));
  }
  const int32_t strength = g.parameter(temperature, {heads, 1, 1}, nn::Parameter::Role::kNormWeight);
  return g.custom({"attention between channels",
                   [](const std::vector<Shape>& in) {
                     return Shape{in[0].channels / 3, in[0].height, in[0].width};
                   },
                   [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                     const Regions regions(in[0], heads, region, side);
                     const torch::Tensor parts = regions.parted(in[0]);
                     const torch::Tensor scores =
                         torch::matmul(unit_length(parts[0]), unit_length(parts[1]).transpose(-2, -1)) * own[0];
                     return regions.joined(torch::matmul(torch::softmax(scores, -1), parts[2]));
                   },
                   -1},
                  {x}, {strength});
}

WeightsFile with_linear_layers(WeightsFile weights, const std::vector<std::string>& endings) {
  for (NamedTensor& entry : weights.tensors) {
    const bool linear = std::any_of(endings.begin(), endings.end(),
                                    [&](const std::string& ending) { return entry.name.ends_with(ending); });
    if (linear && entry.tensor.dim() == 2) entry.tensor = entry.tensor.unsqueeze(2).unsqueeze(3);
  }
  return weights;
}

}  // namespace zsr::networks
