#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kProsrShare = 0.2;  // of what a block finds
constexpr double kProsrRange = 255.0;
constexpr int64_t kProsrLevels = 3;

std::string prosr_blocks(int64_t level) {
  return fmt::format("blocks{}", level);
}

// Levels that double the size, whose weights all scales share.
class ProsrLayers {
 public:
  ProsrLayers(Graph& graph, const Config& config) : g_(graph), layers_(graph), config_(config) {}
  // 3x3 with a mirrored border.
  Value conv(const std::string& name, Value x, int64_t out) {
    const nn::Pad around{.top = 1, .bottom = 1, .left = 1, .right = 1, .edge = nn::Edge::kReflect};
    return layers_.conv(name + ".conv.1", g_.pad(x, around), out, {.padding = 0});
  }
  Value level(int64_t number, Value x) {
    const int64_t width = config_.whole("width");
    const std::string name = fmt::format("pyramid_residual_{}", number);
    Value y = x;
    if (number > 1) {
      const std::string compression = fmt::format("{}.compression_{}.conv1", name, number - 1);
      y = layers_.conv(compression, y, width, {.side = 1, .bias = false});
    }
    for (int64_t b = 1; b <= config_.whole(prosr_blocks(number)); ++b) {
      y = block(y, fmt::format("{}.residual_denseblock_{}.", name, b));
    }
    y = conv(name + ".final_conv.final_conv", y, width) + x;
    return g_.relu(g_.shuffle(conv(name + "_residual_upsampler.m.0", y, 4 * width), 2));
  }

 private:
  // Dense compression unit: layers that each see what all earlier ones made, then 1x1, and the input added.
  Value block(Value x, const std::string& name) {
    Value dense = x;
    for (int64_t i = 1; i <= config_.whole("layers"); ++i) {
      const std::string layer = fmt::format("{}dense_block.denselayer{}.", name, i);
      const Value narrow = g_.relu(layers_.conv(layer + "conv_1", dense, config_.whole("bottleneck"), {.side = 1}));
      dense = g_.concat({dense, conv(layer + "conv_2", narrow, config_.whole("growth"))});
    }
    const Graph::ConvOptions pixel{.side = 1, .bias = false};
    return kProsrShare * layers_.conv(name + "comp.conv1", dense, config_.whole("width"), pixel) + x;
  }

  Graph& g_;
  SharedLayers layers_;
  const Config& config_;
};

// ProSR (Wang et al., CVPRW 2018): doublings one after another, with a first and a last convolution for each scale. It
// finds what the bicubic enlargement lacks.
Graph prosr_graph(const Config& config) {
  Graph g;
  ProsrLayers layers(g, config);
  const Value photo = g.input(config.channels);
  const Value image = subtract_mean(g, photo) * kProsrRange;
  int64_t levels = 0;
  for (const int64_t scale : config.scales) {
    ++levels;
    Value x = layers.conv(fmt::format("init_conv_{}", levels), image, config.whole("width"));
    const Value enlarged = g.resize(photo, nn::Interpolation::kImresize, scale);
    Value before = x;  // what the level before the last made
    for (int64_t level = 1; level <= levels; ++level) {
      before = x;
      x = layers.level(level, x);
    }
    x = layers.conv(fmt::format("reconst_{}.final_conv", levels), x, config.channels);
    g.output(x * (1.0 / kProsrRange) + enlarged, scale);
    if (levels == 1) continue;
    // What the level before would have made of these features, enlarged: a new level begins as that.
    const Value coarse = layers.conv(fmt::format("reconst_{}.final_conv", levels - 1), before, config.channels);
    const Value larger = g.resize(coarse, nn::Interpolation::kBilinear, 2);
    g.intermediate("level before", larger * (1.0 / kProsrRange) + enlarged, scale, scale);
  }
  return g;
}

std::optional<Config> read_prosr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string first = "init_conv_1.conv.1";
  const std::string layer = "pyramid_residual_1.residual_denseblock_1.dense_block.denselayer";
  if (!shapes.has(first + ".weight") || !shapes.has(layer + "1.conv_1.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels(first);
  const int64_t levels = shapes.count("init_conv_", ".conv.1.weight", 1);
  for (int64_t level = 1; level <= kProsrLevels; ++level) {
    if (level <= levels) config.scales.push_back(int64_t{1} << level);
    const std::string block = fmt::format("pyramid_residual_{}.residual_denseblock_", level);
    config.set(prosr_blocks(level), static_cast<double>(shapes.count(block, ".comp.conv1.weight", 1)));
  }
  config.set("width", static_cast<double>(shapes.size(first + ".weight", 0)));
  config.set("layers", static_cast<double>(shapes.count(layer, ".conv_1.weight", 1)));
  config.set("bottleneck", static_cast<double>(shapes.size(layer + "1.conv_1.weight", 0)));
  config.set("growth", static_cast<double>(shapes.size(layer + "1.conv_2.conv.1.weight", 0)));
  return config;
}

}  // namespace

Kind prosr() {
  Kind kind{"prosr", "ProSR (Wang et al. 2018)", read_prosr, prosr_graph};
  kind.fields = {{"width", "channels", 160, 8, 256},
                 {"blocks1", "dense blocks of the first level", 9, 1, 32},
                 {"blocks2", "dense blocks of the second level", 3, 1, 32},
                 {"blocks3", "dense blocks of the third level", 1, 0, 32},
                 {"layers", "layers of a block", 8, 1, 32},
                 {"bottleneck", "channels inside a layer", 160, 4, 512},
                 {"growth", "channels that a layer adds", 40, 4, 256}};
  kind.trainable_scales = {2, 4, 8};
  kind.all_scales = true;
  kind.pyramid = true;
  return kind;
}

}  // namespace zsr::networks
