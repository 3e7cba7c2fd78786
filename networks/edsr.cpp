#include "networks/all_kinds.h"
#include "networks/edsr_trunk.h"
#include "networks/mean_shift.h"

namespace zsr::networks {
namespace {

constexpr double kColorRange = 255.0;  // of the authors' files

EdsrTrunk trunk_of(const Config& config) {
  return {.width = config.whole("width"),
          .blocks = config.whole("depth"),
          .residual_scale = config.number("residual_scale"),
          .basicsr_names = config.naming == "basicsr"};
}

nn::Graph edsr_graph(const Config& config) {
  nn::Graph g;
  g.bias_unit(kColorRange);
  const EdsrTrunk trunk = trunk_of(config);
  const nn::Value x = edsr_trunk(g, subtract_mean(g, g.input(3)), trunk);
  g.output(add_mean(g, edsr_tail(g, x, trunk, config.scales[0])), config.scales[0]);
  return g;
}

// The product of the pixel shuffles.
int64_t scale_of(const FileShapes& shapes, const std::string& upsample, int64_t width) {
  int64_t scale = 1;
  for (int64_t i = 0; shapes.has(upsample + std::to_string(i) + ".weight"); i += 2) {
    scale *= shapes.shuffle_factor(upsample + std::to_string(i), width);
  }
  return scale;
}

std::optional<Config> read_edsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("conv_first.weight") && shapes.has("body.0.conv1.weight") && shapes.has("conv_after_body.weight")) {
    config.naming = "basicsr";
  } else if (!shapes.has("head.0.weight") || !shapes.has("body.0.body.0.weight") || !shapes.has("tail.0.0.weight") ||
             shapes.size("head.0.weight", 1) != 3) {
    return std::nullopt;
  }
  const bool basicsr = config.naming == "basicsr";
  const int64_t width = shapes.size(basicsr ? "conv_first.weight" : "head.0.weight", 0);
  const int64_t blocks = shapes.count("body.", basicsr ? ".conv1.weight" : ".body.0.weight");
  config.scales = {scale_of(shapes, basicsr ? "upsample." : "tail.0.", width)};
  // The published full network has 32 blocks of 256 channels whose second convolutions count a tenth; its files do not
  // say so.
  const bool published_full = blocks == 32 && width == 256;
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(blocks));
  config.set("residual_scale", shapes.remark("residual_scale", published_full ? 0.1 : 1.0));
  return config;
}

}  // namespace

Kind edsr() {
  Kind kind{"edsr", "EDSR (Lim et al. 2017)", read_edsr, edsr_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "residual blocks", 16, 2, 64},
                 {"residual_scale", "what the second convolution of a block is multiplied by", 1.0, 0.01, 1.0, 0}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
