#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Curve;
using nn::Graph;
using nn::Value;

// SRResNet without batch normalisation, as BasicSR trains it (MSRResNet): residual blocks, pixel shuffles, two more
// convolutions, and the bilinear enlargement added.
Graph msrresnet(const Config& config) {
  constexpr double kLeak = 0.1;
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const Value image = g.input(config.channels);
  Value x = g.leaky_relu(g.conv("conv_first", image, width), kLeak);
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    const Value inner = g.relu(g.conv(fmt::format("body.{}.conv1", i), x, width));
    x = x + g.conv(fmt::format("body.{}.conv2", i), inner, width);
  }
  int64_t place = 1;
  for (int64_t left = scale; left > 1; ++place) {
    const int64_t factor = left % 2 == 0 ? 2 : left;
    const Value wide = g.conv(fmt::format("upconv{}", place), x, factor * factor * width);
    x = g.leaky_relu(g.shuffle(wide, factor), kLeak);
    left /= factor;
  }
  x = g.conv("conv_last", g.leaky_relu(g.conv("conv_hr", x, width), kLeak), config.channels);
  g.output(x + g.resize(image, nn::Interpolation::kBilinear, scale), scale);
  return g;
}

// SRResNet as the generator of SRGAN (Ledig et al., CVPR 2017): batch normalisation, learned slopes, 9x9 convolutions
// at both ends, colours from -1 to 1 by tanh. Names of the code by H. Ren (leftthomas/SRGAN).
Graph generator(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t blocks = config.whole("depth");
  Graph g;
  const Value head = g.prelu("block1.1", g.conv("block1.0", g.input(config.channels), width, {.side = 9}), 1);
  Value x = head;
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string name = fmt::format("block{}", i + 2);
    const Value first = g.normalise(name + ".bn1", g.conv(name + ".conv1", x, width), nn::Norm::kBatch);
    const Value inner = g.prelu(name + ".prelu", first, 1);
    x = x + g.normalise(name + ".bn2", g.conv(name + ".conv2", inner, width), nn::Norm::kBatch);
  }
  const std::string after = fmt::format("block{}", blocks + 2);
  x = head + g.prelu(after + ".1", g.conv(after + ".0", x, width), 1);
  const std::string last = fmt::format("block{}", blocks + 3);
  int64_t doublings = 0;
  for (; (int64_t{1} << doublings) < config.scales[0]; ++doublings) {
    const std::string name = fmt::format("{}.{}", last, doublings);
    x = g.prelu(name + ".prelu", g.shuffle(g.conv(name + ".conv", x, 4 * width), 2), 1);
  }
  x = g.conv(fmt::format("{}.{}", last, doublings), x, config.channels, {.side = 9});
  g.output(g.affine(g.activation(Curve::kTanh, x), 0.5, 0.5), config.scales[0]);
  return g;
}

Graph srresnet_graph(const Config& config) {
  return config.naming == "srgan" ? generator(config) : msrresnet(config);
}

std::optional<Config> read_generator(const FileShapes& shapes) {
  Config config;
  config.naming = "srgan";
  config.channels = shapes.photo_channels("block1.0");
  const int64_t blocks = shapes.count("block", ".conv1.weight", 2);
  config.set("width", static_cast<double>(shapes.size("block1.0.weight", 0)));
  config.set("depth", static_cast<double>(blocks));
  config.scales = {int64_t{1} << shapes.count(fmt::format("block{}.", blocks + 3), ".conv.weight")};
  return config;
}

std::optional<Config> read_srresnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (shapes.has("block1.0.weight") && shapes.has("block2.bn1.weight")) return read_generator(shapes);
  if (!shapes.has("conv_first.weight") || !shapes.has("body.0.conv1.weight") || !shapes.has("upconv1.weight")) {
    return std::nullopt;
  }
  Config config;
  config.channels = shapes.photo_channels("conv_first");
  const int64_t width = shapes.size("conv_first.weight", 0);
  int64_t scale = 1;
  for (const char* const name : {"upconv1", "upconv2"}) {
    if (shapes.has(std::string(name) + ".weight")) scale *= shapes.shuffle_factor(name, width);
  }
  config.scales = {scale};
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(shapes.count("body.", ".conv1.weight")));
  return config;
}

}  // namespace

Kind srresnet() {
  Kind kind{"srresnet", "SRResNet (Ledig et al. 2017; BasicSR's without normalisation, or SRGAN's generator)",
            read_srresnet, srresnet_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "residual blocks", 16, 2, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
