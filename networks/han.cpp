#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Layer attention: each of `count` images joined in one, of the same channels, takes from the others, most from those
// least like it.
Value han_layers(Graph& g, Value joined, int64_t count) {
  const nn::Custom attention{"layer attention", [](const std::vector<nn::Shape>& in) { return in[0]; },
                             [count](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                               const torch::Tensor rows = in[0].reshape({in[0].size(0), count, -1});
                               const torch::Tensor energy = torch::matmul(rows, rows.transpose(1, 2));
                               const torch::Tensor shares = torch::softmax(energy.amax(-1, true) - energy, -1);
                               return torch::matmul(shares, rows).view(in[0].sizes());
                             },
                             -1};
  return g.custom(attention, {joined}) * g.learned("la.gamma", {1}, nn::Parameter::Role::kNormBias) + joined;
}

// Channel-spatial attention: a sigmoid of one 3x3x3 convolution over channels, rows and columns.
Value han_volume(Graph& g, Value x) {
  const std::vector<int32_t> parameters{g.parameter("csa.conv.weight", {1, 1, 3, 3, 3}, nn::Parameter::Role::kWeight),
                                        g.parameter("csa.conv.bias", {1}, nn::Parameter::Role::kBias)};
  const nn::Custom volume{"3D convolution", [](const std::vector<nn::Shape>& in) { return in[0]; },
                          [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                            return torch::conv3d(in[0].unsqueeze(1), own[0], own[1], 1, 1).squeeze(1);
                          },
                          1};
  const Value gate = g.sigmoid(g.custom(volume, {x}, parameters));
  return x * gate * g.learned("csa.gamma", {1}, nn::Parameter::Role::kNormBias) + x;
}

Value han_group(Graph& g, Value x, const std::string& name, const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t blocks = config.whole("depth");
  Value y = x;
  for (int64_t b = 0; b < blocks; ++b) {
    const std::string block = fmt::format("{}.body.{}.body.", name, b);
    const Value made = g.conv(block + "2", g.relu(g.conv(block + "0", y, width)), width);
    const Value mean = g.pool(made, nn::Pooling::kMean);
    y = made * channel_weights(g, mean, block + "3.conv_du", config.whole("squeezed")) + y;
  }
  return g.conv(fmt::format("{}.body.{}", name, blocks), y, width) + x;
}

// HAN (Niu et al., ECCV 2020): RCAN's trunk, whose groups are joined by layer attention, newest first.
Graph han_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t groups = config.whole("groups");
  Graph g;
  const Value head = g.conv("head.0", into_colors(g, g.input(config.channels), config), width);
  std::vector<Value> made;
  Value x = head;
  for (int64_t i = 0; i < groups; ++i) made.push_back(x = han_group(g, x, fmt::format("body.{}", i), config));
  made.push_back(x = g.conv(fmt::format("body.{}", groups), x, width));
  const Value joined = g.concat({made.rbegin(), made.rend()});
  const Value layered = g.conv("last_conv", han_layers(g, joined, groups + 1), width);
  x = g.conv("last", g.concat({han_volume(g, x), layered}), width) + head;
  x = g.conv("tail.1", shuffled_up(g, x, "tail.0.", config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

std::optional<Config> read_han(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string squeeze = "body.0.body.0.body.3.conv_du.0.weight";
  if (!shapes.has("la.gamma") || !shapes.has("csa.conv.weight") || !shapes.has(squeeze)) return std::nullopt;
  const int64_t width = shapes.size("head.0.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {shuffled_scale(shapes, "tail.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(shapes.count("body.", ".body.0.body.0.weight")));
  config.set("depth", static_cast<double>(shapes.count("body.0.body.", ".body.0.weight")));
  config.set("squeezed", static_cast<double>(shapes.size(squeeze, 0)));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind han() {
  Kind kind{"han", "HAN (Niu et al. 2020)", read_han, han_graph};
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"groups", "residual groups", 10, 1, 32},
                 {"depth", "blocks of a group", 20, 1, 64},
                 {"squeezed", "channels inside the channel attention", 4, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
