#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {

using nn::Graph;
using nn::Value;

Value channel_weights(Graph& g, Value summary, const std::string& name, int64_t squeezed) {
  const int64_t width = g.node(summary.node).channels;
  const Value few = g.relu(g.conv(name + ".0", summary, squeezed, {.side = 1}));
  return g.sigmoid(g.conv(name + ".2", few, width, {.side = 1}));
}

Value contrast(Graph& g, Value x) {
  return g.pool(x, nn::Pooling::kMean) + g.pool(x, nn::Pooling::kDeviation);
}

Value blueprint_conv(Graph& g, const std::string& name, Value x, int64_t out, Graph::ConvOptions options) {
  const Value mixed = g.conv(name + ".pw", x, out, {.side = 1, .bias = false});
  options.groups = out;
  return g.conv(name + ".dw", mixed, out, options);
}

Value spatial_attention(Graph& g, Value x, const std::string& name, const SpatialAttention& options) {
  const int64_t few = options.few;
  const auto conv = [&](const std::string& part, Value y, Graph::ConvOptions how = {}) {
    return options.blueprint ? blueprint_conv(g, name + part, y, few, how) : g.conv(name + part, y, few, how);
  };
  const Value thin = g.conv(name + "conv1", x, few, {.side = 1});
  Value coarse = g.pool(conv("conv2", thin, {.stride = 2, .padding = 0}), nn::Pooling::kMax, 7, 3);
  for (size_t i = 0; i < options.middle.size(); ++i) {
    coarse = conv(options.middle[i], i == 0 ? coarse : g.activation(options.curve, coarse));
  }
  const Value large = g.resize_like(coarse, x, nn::Interpolation::kBilinear);
  const Value mask = large + g.conv(name + "conv_f", thin, few, {.side = 1});
  return x * g.sigmoid(g.conv(name + "conv4", mask, g.node(x.node).channels, {.side = 1}));
}

Value shuffled_up(Graph& g, Value x, const std::string& prefix, int64_t scale, int64_t width) {
  if (width == 0) width = g.node(x.node).channels;
  int64_t place = 0;
  for (int64_t left = scale; left > 1; place += 2) {
    const int64_t factor = left % 2 == 0 ? 2 : left;
    x = g.shuffle(g.conv(fmt::format("{}{}", prefix, place), x, factor * factor * width), factor);
    left /= factor;
  }
  return x;
}

int64_t shuffled_scale(const FileShapes& shapes, const std::string& prefix, int64_t width) {
  int64_t scale = 1;
  for (int64_t i = 0; shapes.has(fmt::format("{}{}.weight", prefix, i)); i += 2) {
    scale *= shapes.shuffle_factor(fmt::format("{}{}", prefix, i), width);
  }
  return scale;
}

Value SharedLayers::conv(const std::string& name, Value x, int64_t out, Graph::ConvOptions options) {
  const auto found = first_.find(name);
  if (found != first_.end()) return graph_.conv_like(found->second, x);
  return first_[name] = graph_.conv(name, x, out, options);
}

Value SharedLayers::transposed_conv(const std::string& name, Value x, int64_t out, nn::Convolution options) {
  const auto found = first_.find(name);
  if (found != first_.end()) return graph_.conv_like(found->second, x);
  return first_[name] = graph_.transposed_conv(name, x, out, options);
}

Value SharedLayers::prelu(const std::string& name, Value x, int64_t slopes) {
  const auto found = first_.find(name);
  if (found != first_.end()) return graph_.conv_like(found->second, x);
  return first_[name] = graph_.prelu(name, x, slopes);
}

}  // namespace zsr::networks
