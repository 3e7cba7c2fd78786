#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"
#include "networks/transformer_frame.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Masks and tables of indices follow from the sizes.
WeightsFile renamed_hat(WeightsFile weights) {
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.starts_with("relative_position_index") || entry.name == "attn_mask";
  });
  return with_linear_layers(std::move(weights), {".qkv.weight", ".proj.weight", ".mlp.fc1.weight", ".mlp.fc2.weight"});
}

// Windows of `side` x `side` pixels whose queries see keys of `outer` x `outer` pixels around the same centre.
struct Overlap {
  int64_t side = 16;
  int64_t heads = 6;
  int64_t outer() const { return side + side / 2; }
  int64_t distances() const { return side + outer() - 1; }

  // The row of the table for each query and key. The published code's indices go below 0, where PyTorch counts from
  // the end; trained tables rely on that.
  torch::Tensor rows() const {
    const auto differences = [&] {
      const torch::Tensor query = torch::arange(side, torch::kInt64).view({-1, 1});
      return torch::arange(outer(), torch::kInt64).view({1, -1}) - query + side - outer() + 1;
    };
    const torch::Tensor down = differences().view({side, 1, outer(), 1});
    const torch::Tensor right = differences().view({1, side, 1, outer()});
    return torch::remainder(down * distances() + right, distances() * distances()).flatten();
  }

  // [N, 3 C, H, W], of which the keys and values are continued by zeros, to [N, C, H, W].
  torch::Tensor attend(const torch::Tensor& image, const torch::Tensor& table) const {
    const int64_t count = image.size(0);
    const int64_t channels = image.size(1) / 3;
    const int64_t depth = channels / heads;
    const int64_t down = image.size(2) / side;
    const int64_t right = image.size(3) / side;
    const int64_t margin = (outer() - side) / 2;
    // [N, windows down, windows right, heads, pixels, depth]
    const torch::Tensor queries = image.slice(1, 0, channels)
                                      .reshape({count, heads, depth, down, side, right, side})
                                      .permute({0, 3, 5, 1, 4, 6, 2})
                                      .reshape({count, down, right, heads, side * side, depth});
    const torch::Tensor around =
        torch::im2col(image.slice(1, channels), {outer(), outer()}, {1, 1}, {margin, margin}, {side, side})
            .view({count, 2, heads, depth, outer() * outer(), down, right})
            .permute({1, 0, 5, 6, 2, 4, 3});
    const torch::Tensor bias = table.index_select(0, rows().to(table.device()))
                                   .view({side * side, outer() * outer(), heads})
                                   .permute({2, 0, 1});
    const torch::Tensor scores =
        torch::matmul(queries / std::sqrt(static_cast<double>(depth)), around[0].transpose(-2, -1)) + bias;
    return torch::matmul(torch::softmax(scores, -1), around[1])
        .view({count, down, right, heads, side, side, depth})
        .permute({0, 3, 6, 1, 4, 2, 5})
        .reshape({count, channels, image.size(2), image.size(3)});
  }
};

class HatLayers {
 public:
  HatLayers(Graph& graph, const Config& config)
      : g_(graph),
        config_(config),
        width_(config.whole("width")),
        overlap_{config.whole("window"), config.whole("heads")} {
    if (width_ % overlap_.heads != 0) {
      throw OptionError(fmt::format("heads = {}, must divide the {} channels", overlap_.heads, width_));
    }
  }
  Value normal(const std::string& name, Value x) { return g_.normalise(name, x, nn::Norm::kLayer); }

  // Attention inside windows, beside it convolutions with channel attention, then two linear layers.
  Value block(const std::string& name, Value x, int64_t shift) {
    constexpr double kConvolutions = 0.01;  // of the authors' configurations
    const Value seen = normal(name + "norm1", x);
    const std::string cab = name + "conv_block.cab.";
    const Value few = g_.activation(nn::Curve::kGelu, g_.conv(cab + "0", seen, config_.whole("compressed")));
    const Value local = g_.conv(cab + "2", few, width_);
    const nn::WindowAttention windows{.side = overlap_.side, .heads = overlap_.heads, .shift = shift};
    const Value attention = g_.window_attention(name + "attn.relative_position_bias_table",
                                                pixel(name + "attn.qkv", seen, 3 * width_), windows);
    x = x + pixel(name + "attn.proj", attention, width_) + kConvolutions * (local * weights(cab, local));
    return x + linear_layers(name, x);
  }

  // Attention from windows to larger ones, then two linear layers.
  Value overlapping(const std::string& name, Value x) {
    const Value qkv = pixel(name + "qkv", normal(name + "norm1", x), 3 * width_);
    const int64_t distances = overlap_.distances();
    const int32_t table = g_.parameter(name + "relative_position_bias_table", {distances * distances, overlap_.heads},
                                       nn::Parameter::Role::kNormBias);
    const Value seen =
        g_.custom({"overlapping window attention",
                   [](const std::vector<nn::Shape>& in) {
                     return nn::Shape{in[0].channels / 3, in[0].height, in[0].width};
                   },
                   [overlap = overlap_](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                     return overlap.attend(in[0], own[0]);
                   },
                   -1},
                  {qkv}, {table});
    x = x + pixel(name + "proj", seen, width_);
    return x + linear_layers(name, x);
  }

 private:
  Value pixel(const std::string& name, Value x, int64_t out) { return g_.conv(name, x, out, {.side = 1}); }
  Value weights(const std::string& cab, Value x) {
    const Value mean = g_.pool(x, nn::Pooling::kMean);
    const Value few = g_.relu(pixel(cab + "3.attention.1", mean, config_.whole("squeezed")));
    return g_.sigmoid(pixel(cab + "3.attention.3", few, width_));
  }
  Value linear_layers(const std::string& name, Value x) {
    const Value inner = pixel(name + "mlp.fc1", normal(name + "norm2", x), config_.whole("ratio") * width_);
    return pixel(name + "mlp.fc2", g_.activation(nn::Curve::kGelu, inner), width_);
  }

  Graph& g_;
  const Config& config_;
  int64_t width_;
  Overlap overlap_;
};

// HAT (Chen, Wang, Zhou, Qiao and Dong, CVPR 2023). The authors' test script mirrors the photo to whole windows.
Graph hat_graph(const Config& config) {
  Graph g;
  HatLayers layers(g, config);
  const int64_t side = config.whole("window");
  const Value image = g.input(config.channels);
  const bool centred = config.channels == 3;
  const Value whole = g.pad_to_multiple(image, side);
  const Value first = g.conv("conv_first", centred ? subtract_mean(g, whole) : whole, config.whole("width"));
  Value x = layers.normal("patch_embed.norm", first);
  for (int64_t i = 0; i < config.whole("layers"); ++i) {
    const Value start = x;
    const std::string group = fmt::format("layers.{}.residual_group.", i);
    for (int64_t b = 0; b < config.whole("depth"); ++b) {
      x = layers.block(fmt::format("{}blocks.{}.", group, b), x, b % 2 == 0 ? 0 : side / 2);
    }
    x = layers.overlapping(group + "overlap_attn.", x);
    x = joint_conv(g, fmt::format("layers.{}.conv", i), x, config) + start;
  }
  x = joint_conv(g, "conv_after_body", layers.normal("norm", x), config) + first;
  x = g.cut_to(transformer_tail(g, x, config), image, config.scales[0]);
  g.output(centred ? add_mean(g, x) : x, config.scales[0]);
  return g;
}

std::optional<Config> read_hat(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string group = "layers.0.residual_group.";
  const std::string block = group + "blocks.0.";
  const std::string table = block + "attn.relative_position_bias_table";
  if (!shapes.has(group + "overlap_attn.relative_position_bias_table") || !shapes.has(table)) return std::nullopt;
  const int64_t width = shapes.size("conv_first.weight", 0);
  const auto distances = std::llround(std::sqrt(static_cast<double>(shapes.size(table, 0))));
  Config config;
  config.set("width", static_cast<double>(width));
  config.set("layers", static_cast<double>(shapes.count("layers.", ".residual_group.blocks.0.norm1.weight")));
  config.set("depth", static_cast<double>(shapes.count(group + "blocks.", ".norm1.weight")));
  config.set("heads", static_cast<double>(std::max<int64_t>(1, shapes.size(table, 1))));
  config.set("window", static_cast<double>((distances + 1) / 2));
  config.set("compressed", static_cast<double>(shapes.size(block + "conv_block.cab.0.weight", 0)));
  config.set("squeezed", static_cast<double>(shapes.size(block + "conv_block.cab.3.attention.1.weight", 0)));
  config.set("ratio", static_cast<double>(shapes.size(block + "mlp.fc1.weight", 0) / std::max<int64_t>(1, width)));
  read_transformer_frame(shapes, config);
  return config;
}

}  // namespace

Kind hat() {
  constexpr int64_t kLargestWindow = 16;
  Kind kind{"hat", "HAT (Chen et al. 2023)", read_hat, hat_graph};
  kind.traits.least_side = kLargestWindow;
  kind.renamed = renamed_hat;
  kind.fields = {{"width", "channels (HAT-S: 144)", 180, 12, 252, 12},
                 {"layers", "residual hybrid attention groups (HAT-L: 12)", 6, 1, 16},
                 {"depth", "hybrid attention blocks of a group", 6, 1, 16},
                 {"heads", "parts of the attention; a divisor of the channels", 6, 1, 16},
                 {"window", "side of an attention window", kLargestWindow, 4, kLargestWindow, 4},
                 {"compressed", "channels inside the convolutions of a block (HAT-S: 6)", 60, 1, 252},
                 {"squeezed", "channels inside the channel attention", 6, 1, 64},
                 {"ratio", "channels inside the linear layers, times the others", 2, 1, 8},
                 {"tail", "0: pixel shuffles; 1: a single one; 2: nearest neighbours", 0, 0, 2},
                 {"three", "1: three thin convolutions end a group", 0, 0, 1},
                 {"up_width", "channels while enlarging", 64, 8, 256}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
