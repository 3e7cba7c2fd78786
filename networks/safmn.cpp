#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kSafmnLevels = 4;
constexpr double kSafmnEpsilon = 1e-6;

// The published network, and the smaller one of NTIRE 2023: no layer normalisation and no biases in the blocks, maps
// half as large, channels weighed once by their norms, and the bilinear enlargement added.
bool is_contest(const Config& config) {
  return config.whole("contest") != 0;
}

// Spatially-adaptive feature modulation: the input is weighed by maps of four sizes, each of a quarter of the channels.
Value safm(Graph& g, Value x, const std::string& name, int64_t width, bool contest) {
  const int64_t part = width / kSafmnLevels;
  std::vector<Value> maps;
  for (int64_t i = 0; i < kSafmnLevels; ++i) {
    Value y = g.slice(x, i * part, (i + 1) * part);
    if (i > 0) y = g.adaptive_max_pool(y, int64_t{1} << (contest ? i + 1 : i));
    y = g.conv(fmt::format("{}mfr.{}", name, i), y, part, {.groups = part, .bias = !contest});
    maps.push_back(i > 0 ? g.resize_like(y, x, nn::Interpolation::kNearest) : y);
  }
  const Value joined = g.conv(name + "aggr", g.concat(maps), width, {.side = 1, .bias = !contest});
  return g.activation(nn::Curve::kGelu, joined) * x;
}

// Convolutional channel mixer.
Value ccm(Graph& g, Value x, const std::string& name, int64_t width, bool bias) {
  const Value inner = g.activation(nn::Curve::kGelu, g.conv(name + "ccm.0", x, 2 * width, {.bias = bias}));
  return g.conv(name + "ccm.2", inner, width, {.side = 1, .bias = bias});
}

// Global response normalisation: channels weighed by their norms over the whole image.
Value response_normalised(Graph& g, Value x, int64_t width) {
  const Value norm = g.pool(x, nn::Pooling::kNorm);
  const Value share = norm * g.power(g.affine(g.channel_mean(norm), 1.0, kSafmnEpsilon), -1.0);
  const Value gain = share * g.learned("norm.gamma", {1, width, 1, 1}, nn::Parameter::Role::kNormBias);
  return x * gain + g.learned("norm.beta", {1, width, 1, 1}, nn::Parameter::Role::kNormBias) + x;
}

// SAFMN (Sun, Dong, Tang and Pan, ICCV 2023).
Graph safmn_graph(const Config& config) {
  const bool contest = is_contest(config);
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  const Value first = g.conv("to_feat", image, width);
  Value x = contest ? response_normalised(g, first, width) : first;
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    const std::string name = fmt::format("feats.{}.", i);
    const auto normal = [&](const std::string& norm) {
      return contest ? x : g.normalise(name + norm, x, nn::Norm::kLayer, kSafmnEpsilon);
    };
    x = safm(g, normal("norm1"), name + "safm.", width, contest) + x;
    x = ccm(g, normal("norm2"), name + "ccm.", width, !contest) + x;
  }
  if (!contest) x = x + first;
  x = g.shuffle(g.conv("to_img.0", x, config.channels * scale * scale), scale);
  g.output(contest ? x + g.resize(image, nn::Interpolation::kBilinear, scale) : x, scale);
  return g;
}

std::optional<Config> read_safmn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("to_feat.weight") || !shapes.has("feats.0.safm.aggr.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("to_feat");
  config.scales = {shapes.shuffle_factor("to_img.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size("to_feat.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("feats.", ".safm.aggr.weight")));
  config.set("contest", shapes.has("norm.gamma") ? 1.0 : 0.0);
  return config;
}

}  // namespace

Kind safmn() {
  Kind kind{"safmn", "SAFMN (Sun et al. 2023)", read_safmn, safmn_graph};
  kind.traits.least_side = 16;  // under which the smallest map has no pixel
  kind.fields = {{"width", "channels", 36, 4, 256, 4},
                 {"depth", "blocks", 8, 1, 64},
                 {"contest", "1: the variant of NTIRE 2023", 0, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
