#include "networks/demosaic.h"

#include "networks/all_kinds.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

using nn::Value;

// Ours: corrects the closed-form method, at x2 enlarged by imresize. The network sees that method's colours, the mosaic
// and the noise level of each pixel; groups of 2 x 2 pixels become channels, so that every convolution knows the
// mosaic's phase (RGGB at the first pixel) and works on a quarter of the pixels. It begins without effect.
nn::Graph demosaic_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  nn::Graph g;
  const Value input = g.input(3 + kMosaicMaps);
  Value x = g.conv("mosaic.head", g.unshuffle(input, 2), width);
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    const std::string name = fmt::format("mosaic.body.{}", i);
    x = x + g.conv(name + ".2", g.relu(g.conv(name + ".0", x, width)), width);
  }
  const Value correction = g.shuffle(g.conv("mosaic.tail", x, 12 * scale * scale), 2 * scale);
  g.begin("mosaic.tail.weight", {0.0F});
  const Value estimate = g.slice(input, 0, 3);
  const Value colors = scale == 1 ? estimate : g.resize(estimate, nn::Interpolation::kImresize, scale);
  g.output(correction + colors, scale);
  return g;
}

std::optional<Config> read_demosaic(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (shapes.size("mosaic.head.weight", 1) != 4 * (3 + kMosaicMaps)) return std::nullopt;
  Config config;
  // 12 channels for each of the scale^2 pixels that a pixel of the mosaic becomes.
  config.scales = {shapes.size("mosaic.tail.weight", 0) == 48 ? 2 : 1};
  config.set("width", static_cast<double>(shapes.size("mosaic.head.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("mosaic.body.", ".0.weight")));
  return config;
}

}  // namespace

torch::Tensor tensor_of(const raw::Plane& plane) {
  return torch::tensor(plane.values).view({1, 1, plane.height, plane.width});
}

torch::Tensor tensor_of(const raw::Rgb& rgb) {
  return torch::cat({tensor_of(rgb[0]), tensor_of(rgb[1]), tensor_of(rgb[2])}, 1);
}

raw::Rgb rgb_of(const torch::Tensor& image) {
  const torch::Tensor planes = image.reshape({3, image.size(-2), image.size(-1)}).contiguous();
  raw::Rgb rgb;
  for (size_t c = 0; c < 3; ++c) {
    rgb[c] = raw::Plane(planes.size(1), planes.size(2));
    std::copy_n(planes[static_cast<int64_t>(c)].data_ptr<float>(), rgb[c].values.size(), rgb[c].values.begin());
  }
  return rgb;
}

torch::Tensor mosaic_input(const raw::Mosaic& mosaic, const raw::Rgb& estimate) {
  constexpr float kUnit = 10.0F;  // noise of 25.5 levels of 255 is 1
  const raw::Plane& values = mosaic.values;
  raw::Plane noise(values.height, values.width);
  for (int64_t y = 0; y < values.height; ++y) {
    for (int64_t x = 0; x < values.width; ++x) {
      const auto color = static_cast<size_t>(mosaic.pattern.color(y, x));
      // The estimate's brightness: the sample's own would make the map as noisy as the sample.
      noise.row(y)[x] = kUnit * mosaic.noise[color].sigma(estimate[color].row(y)[x]);
    }
  }
  return torch::cat({tensor_of(estimate), tensor_of(values), tensor_of(noise)}, 1);
}

Kind demosaic() {
  Kind kind{"demosaic", "demosaicing network (a correction of the closed-form method)", read_demosaic, demosaic_graph};
  kind.traits.condition = Condition::kMosaic;
  kind.fields = {{"width", "channels", 48, 16, 256, 16}, {"depth", "residual blocks", 6, 1, 64}};
  kind.trainable_scales = {1, 2};
  kind.not_for_photos = "it works on camera raw: 'zsr develop photo.nef --weights FILE'";
  kind.training = {.noise = 25.0};
  return kind;
}

}  // namespace zsr::networks
