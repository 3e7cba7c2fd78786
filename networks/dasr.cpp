#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

constexpr double kDasrSlope = 0.1;
constexpr int64_t kDasrTaps = 9;
constexpr int64_t kDasrReduction = 8;

// Each channel under a 3x3 kernel of its own, which the photo's degradation decides: `kernels` [N, 9 C, 1, 1].
Value own_kernels(Graph& g, Value x, Value kernels) {
  return g.custom({"kernels of the photo's own", [](const std::vector<Shape>& in) { return in[0]; },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     const torch::Tensor& image = in[0];
                     const int64_t planes = image.size(0) * image.size(1);
                     const torch::Tensor all = image.reshape({1, planes, image.size(2), image.size(3)});
                     const torch::Tensor weights = in[1].reshape({planes, 1, 3, 3});
                     return torch::conv2d(all, weights, {}, 1, 1, 1, planes).view(image.sizes());
                   },
                   1},
                  {x, kernels});
}

class DasrLayers {
 public:
  DasrLayers(Graph& graph, int64_t width) : g_(graph), width_(width) {}

  // What is wrong with the photo, as numbers: its mean over the photo is `4 base` channels.
  Value representation(Value image, int64_t base) {
    const int64_t widths[] = {base, base, 2 * base, 2 * base, 4 * base, 4 * base};
    Value x = image;
    for (int64_t i = 0; i < 6; ++i) {
      const std::string name = "E.encoder_q.E.";
      x = g_.conv(fmt::format("{}{}", name, 3 * i), x, widths[i], {.stride = i == 2 || i == 4 ? 2 : 1});
      x = leaky(g_.normalise(fmt::format("{}{}", name, 3 * i + 1), x, nn::Norm::kBatch));
    }
    return g_.pool(x, nn::Pooling::kMean);
  }
  Value compressed(Value numbers) { return leaky(pixel("G.compress.0", numbers, width_, false)); }

  Value block(const std::string& name, Value x, Value numbers) {
    Value y = leaky(aware(name + "da_conv1.", x, numbers));
    y = leaky(g_.conv(name + "conv1", y, width_));
    y = leaky(aware(name + "da_conv2.", y, numbers));
    return g_.conv(name + "conv2", y, width_) + x;
  }

 private:
  Value leaky(Value x) { return g_.leaky_relu(x, kDasrSlope); }
  Value pixel(const std::string& name, Value x, int64_t out, bool bias) {
    return g_.conv(name, x, out, {.side = 1, .bias = bias});
  }
  // A degradation-aware convolution: kernels, and factors of the channels, from the representation.
  Value aware(const std::string& name, Value x, Value numbers) {
    const Value hidden = leaky(pixel(name + "kernel.0", numbers, width_, false));
    const Value kernels = pixel(name + "kernel.2", hidden, kDasrTaps * width_, false);
    const Value few = leaky(pixel(name + "ca.conv_du.0", numbers, width_ / kDasrReduction, false));
    const Value factors = g_.sigmoid(pixel(name + "ca.conv_du.2", few, width_, false));
    return pixel(name + "conv", leaky(own_kernels(g_, x, kernels)), width_, true) + x * factors;
  }

  Graph& g_;
  int64_t width_;
};

// DASR (Wang, Wang, Dong, Xu, Yang, An and Guo, CVPR 2021): an encoder of the photo's degradation, and a network whose
// convolutions follow it. The encoder sees colours without the mean taken off.
Graph dasr_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t groups = config.whole("groups");
  const int64_t depth = config.whole("depth");
  Graph g;
  DasrLayers layers(g, width);
  const Value image = g.input(config.channels);
  const Value seen = layers.representation(image * config.number("color_range"), config.whole("encoder"));
  const Value numbers = layers.compressed(seen);
  const Value head = g.conv("G.head.0", into_colors(g, image, config), width);
  Value x = head;
  for (int64_t i = 0; i < groups; ++i) {
    const std::string name = fmt::format("G.body.{}.body.", i);
    Value y = x;
    for (int64_t b = 0; b < depth; ++b) y = layers.block(fmt::format("{}{}.", name, b), y, numbers);
    x = g.conv(fmt::format("{}{}", name, depth), y, width) + x;
  }
  x = g.conv(fmt::format("G.body.{}", groups), x, width) + head;
  x = g.conv("G.tail.1", shuffled_up(g, x, "G.tail.0.", config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

WeightsFile renamed_dasr(WeightsFile weights) {
  return with_linear_layers(std::move(weights), {".compress.0.weight", ".kernel.0.weight", ".kernel.2.weight"});
}

std::optional<Config> read_dasr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("G.compress.0.weight") || !shapes.has("G.head.0.weight")) return std::nullopt;
  Config config;
  const int64_t width = shapes.size("G.head.0.weight", 0);
  config.channels = shapes.photo_channels("G.head.0");
  config.scales = {shuffled_scale(shapes, "G.tail.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(shapes.count("G.body.", ".body.0.conv1.weight")));
  config.set("depth", static_cast<double>(shapes.count("G.body.0.body.", ".conv1.weight")));
  config.set("encoder", static_cast<double>(shapes.size("E.encoder_q.E.0.weight", 0)));
  config.set("color_range", shapes.remark("color_range", 255.0));
  return config;
}

}  // namespace

Kind dasr() {
  Kind kind{"dasr", "DASR (Wang et al. 2021)", read_dasr, dasr_graph};
  kind.renamed = renamed_dasr;
  kind.ignored = {"G.sub_mean.", "G.add_mean.", "E.encoder_q.mlp.", "E.encoder_k.", "E.queue"};
  kind.fields = {{"width", "channels", 64, 8, 256, 8},
                 {"groups", "groups of blocks", 5, 1, 32},
                 {"depth", "degradation-aware blocks of a group", 5, 1, 32},
                 {"encoder", "channels of the encoder's first convolution", 64, 8, 256},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
