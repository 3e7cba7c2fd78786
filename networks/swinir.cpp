#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kSwinSide = 8;
// How the image is enlarged: the classical network's pixel shuffles, the light one's single one, the real-world one's
// nearest neighbours.
enum SwinTail { kSwinClassical = 0, kSwinLight = 1, kSwinReal = 2 };

// The published linear layers are matrices, the graph's are 1x1 convolutions. Masks and tables of indices follow from
// the sizes.
WeightsFile renamed_swinir(WeightsFile weights) {
  constexpr std::array kLinear{".attn.qkv.weight", ".attn.proj.weight", ".mlp.fc1.weight", ".mlp.fc2.weight"};
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.ends_with(".attn_mask") || entry.name.ends_with(".relative_position_index");
  });
  for (NamedTensor& entry : weights.tensors) {
    const bool linear =
        std::any_of(kLinear.begin(), kLinear.end(), [&](const char* ending) { return entry.name.ends_with(ending); });
    if (linear && entry.tensor.dim() == 2) entry.tensor = entry.tensor.unsqueeze(2).unsqueeze(3);
  }
  return weights;
}

class SwinLayers {
 public:
  SwinLayers(Graph& graph, const Config& config) : g_(graph), config_(config), width_(config.whole("width")) {}
  Value normal(const std::string& name, Value x) { return g_.normalise(name, x, nn::Norm::kLayer); }
  // One convolution, or three with few channels between them.
  Value joint(const std::string& name, Value x) {
    constexpr double kLeak = 0.2;
    if (config_.whole("three") == 0) return g_.conv(name, x, width_);
    const int64_t few = width_ / 4;
    const Value narrow = g_.leaky_relu(g_.conv(name + ".0", x, few), kLeak);
    return g_.conv(name + ".4", g_.leaky_relu(g_.conv(name + ".2", narrow, few, kPixel), kLeak), width_);
  }
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

Value swin_enlarged(Graph& g, Value x, const Config& config) {
  constexpr double kLeakBefore = 0.01;
  constexpr double kLeakAfter = 0.2;
  const int64_t scale = config.scales[0];
  const int64_t tail = config.whole("tail");
  if (tail == kSwinLight) return g.shuffle(g.conv("upsample.0", x, config.channels * scale * scale), scale);
  const int64_t features = config.whole("up_width");
  x = g.leaky_relu(g.conv("conv_before_upsample.0", x, features), kLeakBefore);
  if (tail == kSwinClassical) return g.conv("conv_last", shuffled_up(g, x, "upsample.", scale), config.channels);
  int64_t step = 1;
  for (int64_t left = scale; left > 1; left /= 2, ++step) {
    if (left % 2 != 0) throw OptionError("scale = 3, enlarging by nearest neighbours is for 2 and 4");
    x = g.leaky_relu(g.conv(fmt::format("conv_up{}", step), g.nearest(x, 2), features), kLeakAfter);
  }
  return g.conv("conv_last", g.leaky_relu(g.conv("conv_hr", x, features), kLeakAfter), config.channels);
}

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
    x = layers.joint(fmt::format("layers.{}.conv", i), x) + start;
  }
  x = layers.joint("conv_after_body", layers.normal("norm", x)) + first;
  x = g.cut_to(swin_enlarged(g, x, config), image, config.scales[0]);
  g.output(centred ? add_mean(g, x) : x, config.scales[0]);
  return g;
}

int64_t swin_scale(const FileShapes& shapes, const Config& config) {
  switch (config.whole("tail")) {
    case kSwinLight:
      return shapes.shuffle_factor("upsample.0", config.channels);
    case kSwinReal:
      return shapes.has("conv_up2.weight") ? 4 : 2;
    default:
      return shuffled_scale(shapes, "upsample.", config.whole("up_width"));
  }
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
  config.channels = shapes.photo_channels("conv_first");
  config.set("width", static_cast<double>(width));
  config.set("layers", static_cast<double>(shapes.count("layers.", ".residual_group.blocks.0.norm1.weight")));
  config.set("depth", static_cast<double>(shapes.count("layers.0.residual_group.blocks.", ".norm1.weight")));
  config.set("heads", static_cast<double>(shapes.size(table, 1)));
  config.set("ratio", static_cast<double>(shapes.size(block + "mlp.fc1.weight", 0) / std::max<int64_t>(1, width)));
  config.set("tail", light ? kSwinLight : shapes.has("conv_up1.weight") ? kSwinReal : kSwinClassical);
  config.set("three", shapes.has("layers.0.conv.0.weight") ? 1.0 : 0.0);
  config.set("up_width", light ? shapes.remark("up_width", 64.0)
                               : static_cast<double>(shapes.size("conv_before_upsample.0.weight", 0)));
  config.scales = {swin_scale(shapes, config)};
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
