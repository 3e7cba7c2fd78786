#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/edsr_trunk.h"
#include "networks/mean_shift.h"
#include "networks/probes.h"

#include <limits>

namespace zsr::networks {
namespace {

constexpr double kColorRange = 255.0;  // of the authors' files

EdsrTrunk trunk_of(const Config& config) {
  return {.width = config.whole("width"),
          .blocks = config.whole("depth"),
          .residual_scale = config.number("residual_scale"),
          .channels = config.channels,
          .basicsr_names = config.naming == "basicsr"};
}

nn::Graph edsr_graph(const Config& config) {
  const bool luma = config.channels == 1;
  const bool centred = !luma || config.whole("mean") != 0;
  nn::Graph g;
  g.bias_unit(luma ? config.number("color_range") : kColorRange);
  const EdsrTrunk trunk = trunk_of(config);
  const nn::Value image = g.input(config.channels);
  const nn::Value x =
      edsr_tail(g, edsr_trunk(g, centred ? subtract_mean(g, image) : image, trunk), trunk, config.scales[0]);
  g.output(centred ? add_mean(g, x) : x, config.scales[0]);
  return g;
}

std::optional<Config> read_edsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("conv_first.weight") && shapes.has("body.0.conv1.weight") && shapes.has("conv_after_body.weight")) {
    config.naming = "basicsr";
  } else if (!shapes.has("head.0.weight") || !shapes.has("body.0.body.0.weight") || !shapes.has("tail.0.0.weight") ||
             (shapes.size("head.0.weight", 1) != 3 && shapes.size("head.0.weight", 1) != 1)) {
    return std::nullopt;
  }
  const bool basicsr = config.naming == "basicsr";
  config.channels = shapes.photo_channels(basicsr ? "conv_first" : "head.0");
  const int64_t width = shapes.size(basicsr ? "conv_first.weight" : "head.0.weight", 0);
  const int64_t blocks = shapes.count("body.", basicsr ? ".conv1.weight" : ".body.0.weight");
  config.scales = {shuffled_scale(shapes, basicsr ? "upsample." : "tail.0.", width)};
  // The published full network has 32 blocks of 256 channels whose second convolutions count a tenth; its files do not
  // say so.
  const bool published_full = blocks == 32 && width == 256;
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(blocks));
  config.set("residual_scale", shapes.remark("residual_scale", published_full ? 0.1 : 1.0));
  if (config.channels == 1) {
    config.set("color_range", shapes.remark("color_range", 0.0));
    config.set("mean", shapes.remark("mean", 0.0));
  }
  return config;
}

// Networks for luma were trained with the authors' range of colours or another, around the mean or not, and their files
// do not say so: the right one is that with which a gray area stays nearest to what it was.
Config with_luma_range(Config config, const WeightsFile& weights) {
  if (config.channels != 1 || config.number("color_range") != 0.0) return config;
  Config best = config;
  double least = std::numeric_limits<double>::infinity();
  for (const double range : {kColorRange, 1.0}) {
    for (const double mean : {1.0, 0.0}) {
      config.set("color_range", range).set("mean", mean);
      const double error = gray_error(edsr_graph(config), weights, config.scales[0]);
      if (error < least || best.number("color_range") == 0.0) {
        best = config;
        least = error;
      }
    }
  }
  return best;
}

}  // namespace

Kind edsr() {
  Kind kind{"edsr", "EDSR (Lim et al. 2017)", read_edsr, edsr_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "residual blocks", 16, 2, 64},
                 {"residual_scale", "what the second convolution of a block is multiplied by", 1.0, 0.01, 1.0, 0}};
  kind.trainable_scales = {2, 3, 4};
  kind.settled = with_luma_range;
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
