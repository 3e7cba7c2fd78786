#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"
#include "networks/transformer_frame.h"
#include "nn/window_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Parameter;
using nn::Value;

// Masks and tables of positions follow from the sizes of the windows.
WeightsFile renamed_dat(WeightsFile weights) {
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.find(".attn_mask_") != std::string::npos || entry.name.ends_with(".rpe_biases") ||
           entry.name.ends_with(".relative_position_index");
  });
  return with_linear_layers(std::move(weights),
                            {".attn.qkv.weight", ".attn.proj.weight", ".ffn.fc1.weight", ".ffn.fc2.weight"});
}

// The small network that makes what distances add to the attention: a linear layer, then three times layer
// normalisation, ReLU and a linear layer. Weight and bias of each, in this order.
constexpr size_t kPositionParameters = 14;

std::vector<int32_t> position_parameters(Graph& g, const std::string& name, int64_t inner, int64_t heads) {
  std::vector<int32_t> all;
  const auto linear = [&](const std::string& part, int64_t in, int64_t out) {
    all.push_back(g.parameter(name + part + ".weight", {out, in}, Parameter::Role::kWeight));
    all.push_back(g.parameter(name + part + ".bias", {out}, Parameter::Role::kBias));
  };
  linear("pos_proj", 2, inner);
  for (const int64_t layer : {1, 2, 3}) {
    const std::string part = fmt::format("pos{}.", layer);
    all.push_back(g.parameter(name + part + "0.weight", {inner}, Parameter::Role::kNormWeight));
    all.push_back(g.parameter(name + part + "0.bias", {inner}, Parameter::Role::kNormBias));
    linear(part + "2", inner, layer == 3 ? heads : inner);
  }
  return all;
}

// [heads, P, P] for windows of P pixels.
torch::Tensor position_bias(const torch::Tensor* own, const nn::Rectangles& windows) {
  const auto linear = [](const torch::Tensor& x, const torch::Tensor* layer) {
    return torch::matmul(x, layer[0].t()) + layer[1];
  };
  const torch::Tensor rows = torch::arange(1 - windows.rows, windows.rows, own[0].options());
  const torch::Tensor columns = torch::arange(1 - windows.columns, windows.columns, own[0].options());
  const torch::Tensor distances =
      torch::stack({rows.view({-1, 1}).expand({-1, columns.size(0)}), columns.view({1, -1}).expand({rows.size(0), -1})},
                   2)
          .view({-1, 2});
  torch::Tensor x = linear(distances, own);
  for (size_t layer = 2; layer < kPositionParameters; layer += 4) {
    x = linear(torch::relu(torch::layer_norm(x, {x.size(1)}, own[layer], own[layer + 1])), own + layer + 2);
  }
  const torch::Tensor places = nn::relative_positions(windows.rows, windows.columns);
  return x.index_select(0, places.flatten().to(x.device()))
      .view({places.size(0), places.size(1), -1})
      .permute({2, 0, 1});
}

// Half of the channels see windows of `low` rows and `wide` columns, the other half windows of `wide` rows and `low`
// columns.
struct DatWindows {
  int64_t low = 8;
  int64_t wide = 32;
  bool shifted = false;

  torch::Tensor attend(const torch::Tensor& image, const std::vector<torch::Tensor>& own) const {
    const int64_t multiple = std::max(low, wide);
    const auto missing = [&](int64_t length) { return (multiple - length % multiple) % multiple; };
    // Zeros behind the queries, keys and values, which the attention sees.
    const torch::Tensor whole =
        torch::constant_pad_nd(image, {0, missing(image.size(3)), 0, missing(image.size(2))}, 0.0);
    const int64_t channels = image.size(1) / 3;
    std::vector<torch::Tensor> made;
    for (const bool flat : {true, false}) {
      nn::Rectangles windows{flat ? low : wide, flat ? wide : low, 0, 0};
      if (shifted) {
        windows.shift_rows = windows.rows / 2;
        windows.shift_columns = windows.columns / 2;
      }
      std::vector<torch::Tensor> parts;
      for (int64_t part = 0; part < 3; ++part) {
        const int64_t from = part * channels + (flat ? 0 : channels / 2);
        parts.push_back(whole.slice(1, from, from + channels / 2));
      }
      const torch::Tensor bias = position_bias(own.data() + (flat ? 0 : kPositionParameters), windows);
      made.push_back(nn::attend_in_rectangles(torch::cat(parts, 1), bias, windows));
    }
    return torch::cat(made, 1).slice(2, 0, image.size(2)).slice(3, 0, image.size(3));
  }
};

class DatLayers {
 public:
  DatLayers(Graph& graph, const Config& config)
      : g_(graph), config_(config), width_(config.whole("width")), heads_(config.whole("heads")) {
    if (heads_ % 2 != 0 || width_ % heads_ != 0) {
      throw OptionError(fmt::format("heads = {}, must be even and divide the {} channels", heads_, width_));
    }
    const int64_t low = config.whole("low");
    const int64_t wide = config.whole("wide");
    if (low < 1 || wide < low || wide % low != 0) {
      throw OptionError(fmt::format("wide = {}, must be a multiple of low = {}", wide, low));
    }
  }
  Value normal(const std::string& name, Value x) { return g_.normalise(name, x, nn::Norm::kLayer); }

  // Attention inside windows in every other block, between channels in the others; then linear layers.
  Value block(const std::string& name, Value x, int64_t layer, int64_t index) {
    const std::string part = name + "attn.";
    const Value qkv = pixel(part + "qkv", normal(name + "norm1", x), 3 * width_);
    const Value local = convolved(part, g_.slice(qkv, 2 * width_, 3 * width_));
    // Windows are shifted in every other block that has them, in odd layers the first and in even ones the second.
    const bool shifted = index % 4 == (layer % 2 == 0 ? 2 : 0);
    const Value both = index % 2 == 0 ? joined(part, local, in_windows(part, qkv, shifted))
                                      : joined(part, channel_attention(g_, qkv, part + "temperature", heads_), local);
    x = x + pixel(part + "proj", both, width_);
    return x + linear_layers(name + "ffn.", normal(name + "norm2", x));
  }

 private:
  Value pixel(const std::string& name, Value x, int64_t out) { return g_.conv(name, x, out, {.side = 1}); }
  Value normal_gelu(const std::string& name, Value x) {
    return g_.activation(nn::Curve::kGelu, g_.normalise(name, x, nn::Norm::kBatch));
  }
  Value convolved(const std::string& name, Value x) {
    return normal_gelu(name + "dwconv.1", g_.conv(name + "dwconv.0", x, width_, {.groups = width_}));
  }
  Value in_windows(const std::string& name, Value qkv, bool shifted) {
    const DatWindows windows{config_.whole("low"), config_.whole("wide"), shifted};
    std::vector<int32_t> parameters;
    for (const int branch : {0, 1}) {
      // The published code divides three times: half of the channels by 4, and that by 4.
      const auto own =
          position_parameters(g_, fmt::format("{}attns.{}.pos.", name, branch), width_ / 2 / 4 / 4, heads_ / 2);
      parameters.insert(parameters.end(), own.begin(), own.end());
    }
    return g_.custom({"attention inside rectangles",
                      [](const std::vector<nn::Shape>& in) {
                        return nn::Shape{in[0].channels / 3, in[0].height, in[0].width};
                      },
                      [windows](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                        return windows.attend(in[0], own);
                      },
                      -1},
                     {qkv}, parameters);
  }
  // One image is weighed pixel by pixel, by what is made of the other; the other channel by channel, by the first.
  Value joined(const std::string& name, Value by_pixel, Value by_channel) {
    return by_channel * of_channels(name, by_pixel) + by_pixel * of_pixels(name, by_channel);
  }
  Value of_channels(const std::string& name, Value x) {
    const std::string part = name + "channel_interaction.";
    const Value few = normal_gelu(part + "2", pixel(part + "1", g_.pool(x, nn::Pooling::kMean), width_ / 8));
    return g_.sigmoid(pixel(part + "4", few, width_));
  }
  Value of_pixels(const std::string& name, Value x) {
    const std::string part = name + "spatial_interaction.";
    return g_.sigmoid(pixel(part + "3", normal_gelu(part + "1", pixel(part + "0", x, width_ / 16)), 1));
  }
  Value linear_layers(const std::string& name, Value x) {
    const int64_t half = config_.whole("ratio") * width_ / 2;
    const Value wide = g_.activation(nn::Curve::kGelu, pixel(name + "fc1", x, 2 * half));
    const Value gate =
        g_.conv(name + "sg.conv", normal(name + "sg.norm", g_.slice(wide, half, 2 * half)), half, {.groups = half});
    return pixel(name + "fc2", g_.slice(wide, 0, half) * gate, width_);
  }

  Graph& g_;
  const Config& config_;
  int64_t width_;
  int64_t heads_;
};

// DAT (Chen et al., ICCV 2023): attention inside windows and between channels in turn.
Graph dat_graph(const Config& config) {
  Graph g;
  DatLayers layers(g, config);
  const Value image = g.input(config.channels);
  const bool centred = config.channels == 3;
  const Value first = g.conv("conv_first", centred ? subtract_mean(g, image) : image, config.whole("width"));
  Value x = layers.normal("before_RG.1", first);
  for (int64_t i = 0; i < config.whole("layers"); ++i) {
    const Value start = x;
    for (int64_t b = 0; b < config.whole("depth"); ++b) {
      x = layers.block(fmt::format("layers.{}.blocks.{}.", i, b), x, i, b);
    }
    x = joint_conv(g, fmt::format("layers.{}.conv", i), x, config) + start;
  }
  x = joint_conv(g, "conv_after_body", layers.normal("norm", x), config) + first;
  x = transformer_tail(g, x, config);
  g.output(centred ? add_mean(g, x) : x, config.scales[0]);
  return g;
}

// The sides of the windows by the distances that published files hold beside the weights, or by remarks.
void read_dat_windows(const WeightsFile& weights, Config& config) {
  const torch::Tensor* const distances = weights.find("layers.0.blocks.0.attn.attns.0.rpe_biases");
  std::array<double, 2> sides{FileShapes(weights).remark("low", 8.0), FileShapes(weights).remark("wide", 32.0)};
  if (distances != nullptr && distances->dim() == 2 && distances->size(1) == 2 && distances->size(0) > 0) {
    for (int64_t i : {0, 1}) sides[static_cast<size_t>(i)] = distances->select(1, i).max().item<double>() + 1.0;
  }
  config.set("low", sides[0]).set("wide", sides[1]);
}

std::optional<Config> read_dat(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string block = "layers.0.blocks.0.";
  const std::string heads = block + "attn.attns.0.pos.pos3.2.weight";
  if (!shapes.has(heads) || !shapes.has("before_RG.1.weight") || !shapes.has("conv_first.weight")) return std::nullopt;
  const int64_t width = std::max<int64_t>(1, shapes.size("conv_first.weight", 0));
  Config config;
  config.set("width", static_cast<double>(width));
  config.set("layers", static_cast<double>(shapes.count("layers.", ".blocks.0.norm1.weight")));
  config.set("depth", static_cast<double>(shapes.count("layers.0.blocks.", ".norm1.weight")));
  config.set("heads", static_cast<double>(2 * shapes.size(heads, 0)));
  config.set("ratio", static_cast<double>(shapes.size(block + "ffn.fc1.weight", 0) / width));
  read_dat_windows(weights, config);
  read_transformer_frame(shapes, config);
  return config;
}

}  // namespace

Kind dat() {
  Kind kind{"dat", "DAT (Chen et al. 2023)", read_dat, dat_graph};
  kind.renamed = renamed_dat;
  kind.fields = {{"width", "channels (light: 60)", 180, 36, 252, 12},
                 {"layers", "residual groups (light: 1)", 6, 1, 16},
                 {"depth", "blocks of a group (light: 18)", 6, 1, 32},
                 {"heads", "parts of the attention, an even divisor of the channels", 6, 2, 16, 2},
                 {"low", "short side of an attention window", 8, 2, 32, 2},
                 {"wide", "long side of an attention window (DAT-S: 16)", 32, 2, 64, 2},
                 {"ratio", "channels inside the linear layers, times the others (DAT-S, DAT-2, light: 2)", 4, 2, 8, 2},
                 {"tail", "0: pixel shuffles; 1: a single one (light); 2: nearest neighbours", 0, 0, 2},
                 {"three", "1: three thin convolutions end a group (light)", 0, 0, 1},
                 {"up_width", "channels while enlarging (not light)", 64, 8, 256}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
