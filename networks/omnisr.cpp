#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kOmniHeads = 4;

WeightsFile renamed_omnisr(WeightsFile weights) {
  return with_linear_layers(std::move(weights),
                            {".fn.to_qkv.weight", ".fn.to_out.0.weight", ".gate.1.weight", ".gate.3.weight"});
}

// Pixels of a grid of side x side cells, as far apart as a cell is wide, are put side by side into windows; `back`
// undoes it.
Value omni_grid(Graph& g, Value x, int64_t side, bool back) {
  const auto moved = [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
    const torch::Tensor& image = in[0];
    const int64_t rows = back ? image.size(2) / side : side;
    const int64_t columns = back ? image.size(3) / side : side;
    return image.reshape({image.size(0), image.size(1), rows, image.size(2) / rows, columns, image.size(3) / columns})
        .permute({0, 1, 3, 2, 5, 4})
        .reshape(image.sizes());
  };
  return g.custom({"grid of pixels", [](const std::vector<nn::Shape>& in) { return in[0]; }, moved, -1}, {x});
}

// The parts of an omni self-attention block, each with its input added.
class OmniLayers {
 public:
  OmniLayers(Graph& graph, const Config& config)
      : g_(graph), width_(config.whole("width")), side_(config.whole("window")) {}

  Value block(const std::string& name, Value x) {
    x = x + local(name + "0.", x);
    x = x + windows(name + "2.", x);
    x = x + gated(name + "4.", x);
    x = x + between_channels(name + "5.", x, ChannelRegion::kWindow);
    x = x + gated(name + "6.", x);
    x = omni_grid(g_, x, side_, false);
    x = omni_grid(g_, x + windows(name + "8.", x), side_, true);
    x = x + gated(name + "10.", x);
    x = x + between_channels(name + "11.", x, ChannelRegion::kGrid);
    return x + gated(name + "12.", x);
  }

 private:
  static constexpr double kLayerEpsilon = 1e-6;  // of the authors' own normalisation; PyTorch's has 1e-5
  Value plain_pixel(const std::string& name, Value x, int64_t out) {
    return g_.conv(name, x, out, {.side = 1, .bias = false});
  }
  Value each_channel(const std::string& name, Value x, bool bias) {
    const int64_t channels = g_.node(x.node).channels;
    return g_.conv(name, x, channels, {.groups = channels, .bias = bias});
  }
  // 1x1 and depthwise convolutions, channels weighed by their means.
  Value local(const std::string& name, Value x) {
    x = g_.activation(nn::Curve::kGelu, g_.conv(name + "fn.0", x, width_, {.side = 1}));
    x = g_.activation(nn::Curve::kGelu, each_channel(name + "fn.2", x, true));
    const Value mean = g_.pool(x, nn::Pooling::kMean);
    const Value few = g_.activation(nn::Curve::kSilu, plain_pixel(name + "fn.4.gate.1", mean, width_ / 4));
    const Value weights = g_.sigmoid(plain_pixel(name + "fn.4.gate.3", few, width_));
    return g_.conv(name + "fn.5", x * weights, width_, {.side = 1});
  }
  Value windows(const std::string& name, Value x) {
    const Value qkv = plain_pixel(name + "fn.to_qkv", g_.normalise(name + "norm", x, nn::Norm::kLayer), 3 * width_);
    const Value seen =
        g_.window_attention(name + "fn.rel_pos_bias.weight", qkv, {.side = side_, .heads = kOmniHeads, .shift = 0});
    return plain_pixel(name + "fn.to_out.0", seen, width_);
  }
  Value between_channels(const std::string& name, Value x, ChannelRegion region) {
    const Value normal = g_.normalise(name + "norm", x, nn::Norm::kLayer, kLayerEpsilon);
    const Value qkv = each_channel(name + "fn.qkv_dwconv", plain_pixel(name + "fn.qkv", normal, 3 * width_), false);
    const Value seen = channel_attention(g_, qkv, name + "fn.temperature", kOmniHeads, region, side_);
    return plain_pixel(name + "fn.project_out", seen, width_);
  }
  Value gated(const std::string& name, Value x) {
    const Value normal = g_.normalise(name + "norm", x, nn::Norm::kLayer, kLayerEpsilon);
    const Value both = each_channel(name + "fn.dwconv", plain_pixel(name + "fn.project_in", normal, 2 * width_), false);
    const Value gate = g_.activation(nn::Curve::kGelu, g_.slice(both, 0, width_));
    return plain_pixel(name + "fn.project_out", gate * g_.slice(both, width_, 2 * width_), width_);
  }

  Graph& g_;
  int64_t width_;
  int64_t side_;
};

// Omni-SR (Wang, Chen, Ni, Zeng, Liu and Ma, CVPR 2023): attention over pixels and over channels, inside windows and on
// grids over the whole photo. Zeros below and to the right make whole windows of the photo.
Graph omnisr_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  OmniLayers layers(g, config);
  const Value image = g.input(config.channels);
  const Value first = g.conv("input", g.pad_to_multiple(image, config.whole("window"), nn::Edge::kZero), width);
  Value x = first;
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    const std::string name = fmt::format("residual_layer.{}.", i);
    const Value made = layers.block(name + "residual_layer.0.layer.", x);
    x = g.conv(name + "residual_layer.1", made, width, {.side = 1}) + x;
    x = spatial_attention(g, x, name + "esa.", {.few = std::max<int64_t>(width / 4, 16), .middle = {"conv3"}});
  }
  x = g.conv("output", x, width) + first;
  x = g.shuffle(g.conv("up.0", x, config.channels * scale * scale), scale);
  g.output(g.cut_to(x, image, scale), scale);
  return g;
}

std::optional<Config> read_omnisr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string table = "residual_layer.0.residual_layer.0.layer.2.fn.rel_pos_bias.weight";
  if (!shapes.has(table) || !shapes.has("up.0.weight") || !shapes.has("input.weight")) return std::nullopt;
  const auto distances = std::llround(std::sqrt(static_cast<double>(shapes.size(table, 0))));
  Config config;
  config.channels = shapes.photo_channels("input");
  config.scales = {shapes.shuffle_factor("up.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("input.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("residual_layer.", ".residual_layer.1.weight")));
  config.set("window", static_cast<double>((distances + 1) / 2));
  return config;
}

}  // namespace

Kind omnisr() {
  Kind kind{"omnisr", "Omni-SR (Wang et al. 2023)", read_omnisr, omnisr_graph};
  kind.traits.least_side = SpatialAttention::kLeastSide;
  kind.renamed = renamed_omnisr;
  kind.fields = {{"width", "channels", 64, 16, 256, 4},
                 {"depth", "omni self-attention groups", 5, 1, 32},
                 {"window", "side of an attention window, and of a grid", 8, 2, 16}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
