#include "networks/all_kinds.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"
#include "networks/transformer_frame.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kSwinSide = 8;

// Masks and tables of indices follow from the sizes.
WeightsFile renamed_swinir(WeightsFile weights) {
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.ends_with(".attn_mask") || entry.name.ends_with(".relative_position_index");
  });
  return with_linear_layers(std::move(weights),
                            {".attn.qkv.weight", ".attn.proj.weight", ".mlp.fc1.weight", ".mlp.fc2.weight"});
}

class SwinLayers {
 public:
  SwinLayers(Graph& graph, const Config& config) : g_(graph), config_(config), width_(config.whole("width")) {}
  Value normal(const std::string& name, Value x) { return g_.normalise(name, x, nn::Norm::kLayer); }
  // Swin block: attention inside windows, then two linear layers, each with its input added.
  Value block(const std::string& name, Value x, int64_t shift) {
    const Value qkv = g_.conv(name + "attn.qkv", normal(name + "norm1", x), 3 * width_, kPixel);
    const nn::WindowAttention windows{.side = kSwinSide, .heads = config_.whole("heads"), .shift = shift};
    const Value seen = g_.window_attention(name + "attn.relative_position_bias_table", qkv, windows);
    x = x + g_.conv(name + "attn.proj", seen, width_, kPixel);
    const int64_t wide = config_.whole("ratio") * width_;
    const Value inner = g_.conv(name + "mlp.fc1", normal(name + "norm2", x), wide, kPixel);
    return x + g_.conv(name + "mlp.fc2", g_.activation(nn::Curve::kGelu, inner), width_, kPixel);
  }

 private:
  static constexpr Graph::ConvOptions kPixel{.side = 1};
  Graph& g_;
  const Config& config_;
  int64_t width_;
};

// SwinIR (Liang et al., ICCVW 2021): layers of Swin transformer blocks.
Graph swinir_graph(const Config& config) {
  Graph g;
  SwinLayers layers(g, config);
  const Value image = g.input(config.channels);
  const bool centred = config.channels == 3;
  const Value whole = g.pad_to_multiple(image, kSwinSide);
  const Value first = g.conv("conv_first", centred ? subtract_mean(g, whole) : whole, config.whole("width"));
  Value x = layers.normal("patch_embed.norm", first);
  for (int64_t i = 0; i < config.whole("layers"); ++i) {
    const Value start = x;
    for (int64_t b = 0; b < config.whole("depth"); ++b) {
      x = layers.block(fmt::format("layers.{}.residual_group.blocks.{}.", i, b), x, b % 2 == 0 ? 0 : kSwinSide / 2);
    }
    x = joint_conv(g, fmt::format("layers.{}.conv", i), x, config) + start;
  }
  x = joint_conv(g, "conv_after_body", layers.normal("norm", x), config) + first;
  x = g.cut_to(transformer_tail(g, x, config), image, config.scales[0]);
  g.output(centred ? add_mean(g, x) : x, config.scales[0]);
  return g;
}

std::optional<Config> read_swinir(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string block = "layers.0.residual_group.blocks.0.";
  const std::string table = block + "attn.relative_position_bias_table";
  constexpr int64_t kDistances = (2 * kSwinSide - 1) * (2 * kSwinSide - 1);
  const bool light = !shapes.has("conv_before_upsample.0.weight");
  // HAT and SwinIR's networks without enlargement have these layers and others.
  if (shapes.size(table, 0) != kDistances || !shapes.has("patch_embed.norm.weight") ||
      (light && (!shapes.has("upsample.0.weight") || shapes.has("conv_last.weight")))) {
    return std::nullopt;
  }
  const int64_t width = shapes.size("conv_first.weight", 0);
  Config config;
  config.set("width", static_cast<double>(width));
  config.set("layers", static_cast<double>(shapes.count("layers.", ".residual_group.blocks.0.norm1.weight")));
  config.set("depth", static_cast<double>(shapes.count("layers.0.residual_group.blocks.", ".norm1.weight")));
  config.set("heads", static_cast<double>(shapes.size(table, 1)));
  config.set("ratio", static_cast<double>(shapes.size(block + "mlp.fc1.weight", 0) / std::max<int64_t>(1, width)));
  read_transformer_frame(shapes, config);
  return config;
}

}  // namespace

Kind swinir() {
  Kind kind{"swinir", "SwinIR (Liang et al. 2021)", read_swinir, swinir_graph};
  kind.traits.least_side = kSwinSide;
  kind.renamed = renamed_swinir;
  kind.fields = {{"width", "channels (classical: 180)", 60, 12, 252, 12},
                 {"layers", "residual Swin layers (classical: 6)", 4, 1, 16},
                 {"depth", "Swin blocks of a layer", 6, 1, 16},
                 {"heads", "parts of the attention; a divisor of the channels", 6, 1, 16},
                 {"ratio", "channels inside the linear layers, times the others", 2, 1, 8},
                 {"tail", "0: pixel shuffles; 1: a single one (light); 2: nearest neighbours", 1, 0, 2},
                 {"three", "1: three thin convolutions end a layer", 0, 0, 1},
                 {"up_width", "channels while enlarging (not light)", 64, 8, 256}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
