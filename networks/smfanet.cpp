#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kSmfaDivisor = 8;

// The channels of each pixel divided by the root of the sum of their squares.
Value unit_length(Graph& g, Value x) {
  constexpr double kLeast = 1e-24;
  const auto channels = static_cast<double>(g.node(x.node).channels);
  return x * g.power(g.affine(g.channel_mean(x * x), channels, kLeast), -0.5);
}

// Self-modulation feature aggregation: a map at an eighth of the size and the variance over the whole image weigh one
// half, convolutions look at the details of the other half.
Value smfa(Graph& g, Value f, const std::string& name, int64_t width) {
  const Graph::ConvOptions pixel{.side = 1};
  const auto gelu = [&](Value y) { return g.activation(nn::Curve::kGelu, y); };
  const auto per_channel = [&](const std::string& part, nn::Parameter::Role role) {
    return g.learned(name + part, {1, width, 1, 1}, role);
  };
  const Value both = g.conv(name + "linear_0", f, 2 * width, pixel);
  const Value x = g.slice(both, width, 2 * width);
  const Value deviation = g.pool(x, nn::Pooling::kSampleDeviation);
  Value coarse = g.conv(name + "dw_conv", g.adaptive_max_pool(x, kSmfaDivisor), width, {.groups = width});
  coarse = coarse * per_channel("alpha", nn::Parameter::Role::kNormWeight) +
           deviation * deviation * per_channel("belt", nn::Parameter::Role::kNormBias);
  coarse = gelu(g.conv(name + "linear_1", coarse, width, pixel));
  const Value far = x * g.resize_like(coarse, x, nn::Interpolation::kNearest);
  Value near = g.conv(name + "lde.conv_0.0", g.slice(both, 0, width), 2 * width, {.groups = width});
  near = g.conv(name + "lde.conv_1", gelu(g.conv(name + "lde.conv_0.1", near, 2 * width, pixel)), width, pixel);
  return g.conv(name + "linear_2", far + near, width, pixel);
}

// Partial convolution: 3x3 for a quarter of the channels only.
Value pcfn(Graph& g, Value x, const std::string& name, int64_t width) {
  const int64_t inner = 2 * width;
  const auto gelu = [&](Value y) { return g.activation(nn::Curve::kGelu, y); };
  const Value y = gelu(g.conv(name + "conv_0", x, inner, {.side = 1}));
  const Value part = gelu(g.conv(name + "conv_1", g.slice(y, 0, inner / 4), inner / 4));
  return g.conv(name + "conv_2", g.concat({part, g.slice(y, inner / 4, inner)}), width, {.side = 1});
}

// SMFANet (Zheng, Sun, Dong and Pan, ECCV 2024).
Graph smfanet_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value first = g.conv("to_feat", g.input(config.channels), width);
  Value x = first;
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    x = smfa(g, unit_length(g, x), fmt::format("feats.{}.smfa.", i), width) + x;
    x = pcfn(g, unit_length(g, x), fmt::format("feats.{}.pcfn.", i), width) + x;
  }
  g.output(g.shuffle(g.conv("to_img.0", x + first, config.channels * scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_smfanet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("to_feat.weight") || !shapes.has("feats.0.smfa.linear_0.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("to_feat");
  config.scales = {shapes.shuffle_factor("to_img.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("to_feat.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("feats.", ".smfa.linear_0.weight")));
  return config;
}

}  // namespace

Kind smfanet() {
  Kind kind{"smfanet", "SMFANet (Zheng et al. 2024)", read_smfanet, smfanet_graph};
  kind.traits.least_side = kSmfaDivisor;
  kind.fields = {{"width", "channels (SMFANet+: 48)", 36, 4, 256, 2}, {"depth", "blocks (SMFANet+: 12)", 8, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
