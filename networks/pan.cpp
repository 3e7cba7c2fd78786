#include "networks/all_kinds.h"
#include "networks/probes.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kPanLeak = 0.2;
const Graph::ConvOptions kPixel{.side = 1};

// Pixel attention: every value is weighed by a sigmoid of a 1x1 convolution.
Value pixel_attention(Graph& g, Value x, const std::string& name, int64_t width) {
  return x * g.sigmoid(g.conv(name, x, width, kPixel));
}

// Self-calibrated block with pixel attention: two thin branches, one of them weighed, joined and added.
Value scpa(Graph& g, Value x, const std::string& name, int64_t width) {
  const int64_t half = width / 2;
  const Graph::ConvOptions pixel{.side = 1, .bias = false};
  const Graph::ConvOptions plain{.bias = false};
  Value a = g.leaky_relu(g.conv(name + ".conv1_a", x, half, pixel), kPanLeak);
  Value b = g.leaky_relu(g.conv(name + ".conv1_b", x, half, pixel), kPanLeak);
  a = g.leaky_relu(g.conv(name + ".k1.0", a, half, plain), kPanLeak);
  const Value gate = g.sigmoid(g.conv(name + ".PAConv.k2", b, half, kPixel));
  b = g.conv(name + ".PAConv.k4", g.conv(name + ".PAConv.k3", b, half, plain) * gate, half, plain);
  b = g.leaky_relu(b, kPanLeak);
  return g.conv(name + ".conv3", g.concat({a, b}), width, pixel) + x;
}

// PAN (Zhao, Kong, He, Qiao and Dong, ECCVW 2020): attention for every pixel in the trunk and while enlarging by
// nearest neighbours; the bilinear enlargement is added.
Graph pan_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t narrow = config.whole("narrow");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  const Value first = g.conv("conv_first", image, width);
  Value x = first;
  for (int64_t i = 0; i < config.whole("depth"); ++i) x = scpa(g, x, fmt::format("SCPA_trunk.{}", i), width);
  x = first + g.conv("trunk_conv", x, width);
  int64_t step = 1;
  for (int64_t left = scale; left > 1; ++step) {
    const int64_t factor = left % 2 == 0 ? 2 : left;
    x = g.conv(fmt::format("upconv{}", step), g.nearest(x, factor), narrow);
    x = g.leaky_relu(pixel_attention(g, x, fmt::format("att{}.conv", step), narrow), kPanLeak);
    x = g.leaky_relu(g.conv(fmt::format("HRconv{}", step), x, narrow), kPanLeak);
    left /= factor;
  }
  g.output(g.conv("conv_last", x, config.channels) + g.resize(image, nn::Interpolation::kBilinear, scale), scale);
  return g;
}

std::optional<Config> read_pan(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("SCPA_trunk.0.conv1_a.weight") || !shapes.has("att1.conv.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("conv_first");
  config.set("width", static_cast<double>(shapes.size("conv_first.weight", 0)));
  config.set("narrow", static_cast<double>(shapes.size("upconv1.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("SCPA_trunk.", ".conv3.weight")));
  const bool two_steps = shapes.has("upconv2.weight");
  config.scales = {two_steps ? 4 : static_cast<int64_t>(shapes.remark("scales", 0.0))};
  return config;
}

// No shape distinguishes x2 from x3, but only with its own scale the result, made smaller again, is the photo.
Config with_pan_scale(Config config, const WeightsFile& weights) {
  if (config.scales[0] != 0) return config;
  const auto error_at = [&](int64_t scale) {
    config.scales = {scale};
    return consistency_error(pan_graph(config), weights, scale);
  };
  const double error_of_two = error_at(2);
  const double error_of_three = error_at(3);
  config.scales = {error_of_three < error_of_two ? 3 : 2};
  return config;
}

}  // namespace

Kind pan() {
  Kind kind{"pan", "PAN (Zhao et al. 2020)", read_pan, pan_graph};
  kind.fields = {{"width", "channels", 40, 8, 256, 2},
                 {"narrow", "channels while enlarging", 24, 8, 256},
                 {"depth", "self-calibrated blocks", 16, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_pan_scale;
  return kind;
}

}  // namespace zsr::networks
