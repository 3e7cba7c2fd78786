#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

constexpr int64_t kEsrtTaps = 9;  // of the patches that are tokens
constexpr int64_t kEsrtGroups = 4;

// Published files hold a number in each module that the authors' code never uses.
WeightsFile renamed_esrt(WeightsFile weights) {
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.find(".encoder") != std::string::npos && entry.name.ends_with(".weight1.scale") &&
           entry.name.find(".layer") == std::string::npos;
  });
  return with_linear_layers(std::move(weights), {".atten.reduce.weight", ".atten.qkv.weight", ".atten.proj.weight",
                                                 ".mlp.fc1.weight", ".mlp.fc2.weight"});
}

// Every 3x3 patch as the channels of its middle pixel, zeros around the image.
Value esrt_patches(Graph& g, Value x) {
  return g.custom({"patches",
                   [](const std::vector<Shape>& in) {
                     return Shape{kEsrtTaps * in[0].channels, in[0].height, in[0].width};
                   },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     const torch::Tensor& image = in[0];
                     return torch::im2col(image, {3, 3}, {1, 1}, {1, 1}, {1, 1})
                         .view({image.size(0), -1, image.size(2), image.size(3)});
                   },
                   1},
                  {x});
}

// The patches back in their places; where they lie over each other they are added up.
Value esrt_folded(Graph& g, Value x) {
  return g.custom(
      {"patches put together",
       [](const std::vector<Shape>& in) {
         return Shape{in[0].channels / kEsrtTaps, in[0].height, in[0].width};
       },
       [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
         const torch::Tensor& image = in[0];
         return torch::col2im(image.flatten(2), {image.size(2), image.size(3)}, {3, 3}, {1, 1}, {1, 1}, {1, 1});
       },
       1},
      {x});
}

// Attention among the pixels of each of four stretches of rows, cut wherever a quarter of the pixels ends; what is left
// of a number that four does not divide is a fifth.
torch::Tensor esrt_attend(const torch::Tensor& qkv, int64_t heads, double factor) {
  const int64_t count = qkv.size(0);
  const int64_t pixels = qkv.size(2) * qkv.size(3);
  // [3, N, heads, pixels, depth]
  const torch::Tensor parts = qkv.reshape({count, 3, heads, -1, pixels}).permute({1, 0, 2, 4, 3});
  const int64_t length = std::max<int64_t>(1, pixels / kEsrtGroups);
  std::vector<torch::Tensor> made;
  for (int64_t from = 0; from < pixels; from += length) {
    const torch::Tensor own = parts.slice(3, from, std::min(pixels, from + length));
    const torch::Tensor scores = torch::matmul(own[0], own[1].transpose(-2, -1)) * factor;
    made.push_back(torch::matmul(torch::softmax(scores, -1), own[2]));
  }
  return torch::cat(made, 2).transpose(2, 3).reshape({count, -1, qkv.size(2), qkv.size(3)});
}

// Bilinear interpolation to the size of another image, corner pixels on corner pixels.
Value esrt_resized(Graph& g, Value x, Value like) {
  return g.custom({"bilinear interpolation between corners",
                   [](const std::vector<Shape>& in) {
                     return Shape{in[0].channels, in[1].height, in[1].width};
                   },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     return torch::upsample_bilinear2d(in[0], {in[1].size(2), in[1].size(3)}, true);
                   },
                   -1},
                  {x, like});
}

class EsrtLayers {
 public:
  EsrtLayers(Graph& graph, const Config& config)
      : g_(graph), layers_(graph), width_(config.whole("width")), heads_(config.whole("heads")) {
    const int64_t inner = kEsrtTaps * width_ / 2;
    if (heads_ < 1 || inner % heads_ != 0) {
      throw OptionError(fmt::format("heads = {}, must divide the {} channels of the attention", heads_, inner));
    }
  }

  // High preserving block: what pooling takes away and what it leaves, each by itself.
  Value block(const std::string& name, Value x) {
    const Value start = module(name + "encoder.", x);
    Value low = g_.pool(start, nn::Pooling::kMean, 2, 2);
    const Value high = start + -1.0 * esrt_resized(g_, low, x);
    constexpr int kTimes = 5;  // with the same weights
    for (int i = 0; i < kTimes; ++i) low = module(name + "decoder_low.", low);
    const Value both = g_.concat({esrt_resized(g_, low, x), module(name + "decoder_high.", high)});
    const Value mixed = weighed(name + "att.", plain(name + "alise2", both, 1));
    return module(name + "alise.", mixed) + x;
  }

  // Three blocks, all of whose results are joined, then a transformer on their patches.
  Value body(const std::string& name, Value x) {
    std::vector<Value> made;
    Value y = x;
    for (const int i : {1, 2, 3}) made.push_back(y = block(fmt::format("{}encoder{}.", name, i), y));
    y = transformer(name + "attention.", g_.conv(name + "reduce", g_.concat(made), width_));
    y = g_.conv(name + "alise", esrt_folded(g_, y), width_);
    return x * scale(name + "weight1") + y * addition(name + "weight2");
  }

 private:
  // What is added to an input begins with a tenth: with He's variance, and some modules used five times, images would
  // grow a thousandfold.
  Value addition(const std::string& name) { return scale(name, 0.1F); }
  Value scale(const std::string& name, float begin = 1.0F) {
    const std::string own = name + ".scale";
    const auto found = scales_.find(own);
    if (found != scales_.end()) return found->second;
    const Value made = g_.learned(own, {1}, nn::Parameter::Role::kNormWeight);
    g_.begin(own, {begin});
    return scales_[own] = made;
  }
  // A convolution without biases and a ReLU.
  Value plain(const std::string& name, Value x, int64_t side) {
    return g_.relu(layers_.conv(name + ".conv", x, width_, {.side = side, .bias = false}));
  }
  Value weighed(const std::string& name, Value x) {
    const int64_t few = width_ / 16;
    const Value mean = g_.pool(x, nn::Pooling::kMean);
    const Value inner = g_.relu(layers_.conv(name + "conv_du.0", mean, few, {.side = 1}));
    return x * g_.sigmoid(layers_.conv(name + "conv_du.2", inner, width_, {.side = 1}));
  }
  Value unit(const std::string& name, Value x) {
    const int64_t few = width_ / 2;
    const Value inner = layers_.prelu(name + "relu", layers_.conv(name + "conv", x, few), few);
    return x * scale(name + "weight1") + layers_.conv(name + "conv1", inner, width_) * addition(name + "weight2");
  }
  Value module(const std::string& name, Value x) {
    const Value first = unit(name + "layer1.", x);
    const Value second = unit(name + "layer2.", first);
    const Value both = g_.concat({second * scale(name + "weight2"), first * scale(name + "weight3")});
    const Value made = plain(name + "layer4", weighed(name + "atten.", plain(name + "alise", both, 1)), 3);
    return x * scale(name + "weight4") + made * addition(name + "weight5");
  }
  Value transformer(const std::string& name, Value x) {
    const int64_t wide = kEsrtTaps * width_;
    const auto linear = [&](const std::string& part, Value y, int64_t out, bool bias) {
      return g_.conv(name + part, y, out, {.side = 1, .bias = bias});
    };
    const auto normal = [&](const std::string& part, Value y) {
      return g_.normalise(name + part, y, nn::Norm::kLayer);
    };
    x = esrt_patches(g_, x);
    const int64_t heads = heads_;
    const Value reduced = linear("atten.reduce", normal("norm1", x), wide / 2, false);
    const Value qkv = linear("atten.qkv", reduced, wide / 2 * 3, false);
    // The published code takes the factor of the width before the reduction.
    const double factor = 1.0 / std::sqrt(static_cast<double>(wide / heads));
    const Value seen = g_.custom({"attention inside quarters",
                                  [](const std::vector<Shape>& in) {
                                    return Shape{in[0].channels / 3, in[0].height, in[0].width};
                                  },
                                  [=](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                                    return esrt_attend(in[0], heads, factor);
                                  },
                                  -1, 12.0 * static_cast<double>(heads) / (kEsrtGroups * kEsrtGroups)},
                                 {qkv});
    x = x + linear("atten.proj", seen, wide, true);
    return x + linear("mlp.fc2", g_.relu(linear("mlp.fc1", normal("norm2", x), wide / 4, true)), wide, true);
  }

  Graph& g_;
  SharedLayers layers_;
  std::map<std::string, Value> scales_;
  int64_t width_;
  int64_t heads_;
};

// ESRT (Lu et al., CVPRW 2022).
Graph esrt_graph(const Config& config) {
  Graph g;
  EsrtLayers layers(g, config);
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const Value head = g.conv("head.0", g.input(config.channels), width);
  const Value deep = g.conv("reduce", layers.body("body.0.", head), width);
  const Value made = g.conv("tail.1", shuffled_up(g, deep, "tail.0.", scale), config.channels);
  const Value plain = shuffled_up(g, head, "up.0.", scale);
  g.output(made + g.relu(g.conv("up.1.conv", plain, config.channels, {.bias = false})), scale);
  return g;
}

std::optional<Config> read_esrt(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("body.0.attention.atten.qkv.weight") || !shapes.has("body.0.encoder1.alise2.conv.weight") ||
      !shapes.has("head.0.weight")) {
    return std::nullopt;
  }
  const int64_t width = shapes.size("head.0.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {shuffled_scale(shapes, "tail.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("heads", shapes.remark("heads", 8.0));
  return config;
}

}  // namespace

Kind esrt() {
  Kind kind{"esrt", "ESRT (Lu et al. 2022)", read_esrt, esrt_graph};
  kind.traits.least_side = 2;
  kind.fields = {{"width", "channels", 32, 16, 128, 16}, {"heads", "parts of the attention", 8, 1, 16}};
  kind.trainable_scales = {2, 3, 4};
  kind.renamed = renamed_esrt;
  return kind;
}

}  // namespace zsr::networks
