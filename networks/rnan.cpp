#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"
#include "networks/self_attention.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

class RnanLayers {
 public:
  RnanLayers(Graph& graph, const Config& config)
      : g_(graph), width_(config.whole("width")), inner_(config.whole("inner")) {}

  // Residual blocks, weighed by a mask that is computed at half the size; then a convolution. The group's input is not
  // added.
  Value group(const std::string& name, Value x, bool non_local) {
    const std::string module = name + "body.0.";
    x = residual(module + "RA_RB1.0.", x);
    const Value trunk = residual(module + "RA_TB.0.body.1.", residual(module + "RA_TB.0.body.0.", x));
    x = trunk * mask(module + "RA_MB.0.", x, non_local) + x;
    x = residual(module + "RA_tail.1.", residual(module + "RA_tail.0.", x));
    return g_.conv(name + "body.1", x, width_);
  }

 private:
  Value residual(const std::string& name, Value x) {
    return g_.conv(name + "body.2", g_.relu(g_.conv(name + "body.0", x, width_)), width_) + x;
  }
  Value pixel(const std::string& name, Value x, int64_t out) { return g_.conv(name, x, out, {.side = 1}); }
  // The published code normalises over the queries, not over the keys; its weights rely on that.
  Value everywhere(const std::string& name, Value x) {
    const Value seen = pixel_attention(g_, pixel(name + "theta", x, inner_), pixel(name + "phi", x, inner_),
                                       pixel(name + "g", x, inner_), true);
    const Value made = pixel(name + "W", seen, width_);
    g_.begin(name + "W.weight", {0.0F});
    return made + x;
  }
  Value mask(const std::string& name, Value x, bool non_local) {
    const Value full =
        residual(name + (non_local ? "MB_RB1.1." : "MB_RB1.0."), non_local ? everywhere(name + "MB_RB1.0.", x) : x);
    Value half = g_.conv(name + "MB_Down.0", full, width_, {.stride = 2});
    half = residual(name + "MB_RB2.1.", residual(name + "MB_RB2.0.", half));
    const Value up = g_.transposed_conv(name + "MB_Up.0", half, width_, {.side = 6, .stride = 2, .padding = 2});
    return g_.sigmoid(pixel(name + "MB_1x1conv.0", residual(name + "MB_RB3.0.", full + up), width_));
  }

  Graph& g_;
  int64_t width_;
  int64_t inner_;
};

// RNAN (Zhang, Li, Li, Zhong and Fu, ICLR 2019). The published code takes even sides only; here odd ones are continued
// by a mirrored row or column.
Graph rnan_graph(const Config& config) {
  Graph g;
  RnanLayers layers(g, config);
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  const Value image = g.input(config.channels);
  const Value head = g.conv("head.0", into_colors(g, g.pad_to_multiple(image, 2), config), width);
  Value x = layers.group("body_nl_low.0.", head, true);
  const int64_t groups = config.whole("groups");
  for (int64_t i = 0; i < groups; ++i) x = layers.group(fmt::format("body.{}.", i), x, false);
  x = g.conv(fmt::format("body.{}", groups), x, width);
  x = layers.group("body_nl_high.0.", x, true) + head;
  x = g.conv("tail.1", shuffled_up(g, x, "tail.0.", scale), config.channels);
  g.output(out_of_colors(g, g.cut_to(x, image, scale), config), scale);
  return g;
}

std::optional<Config> read_rnan(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string theta = "body_nl_low.0.body.0.RA_MB.0.MB_RB1.0.theta.weight";
  if (!shapes.has(theta) || !shapes.has("head.0.weight")) return std::nullopt;
  const int64_t width = shapes.size("head.0.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {shuffled_scale(shapes, "tail.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(shapes.count("body.", ".body.1.weight")));
  config.set("inner", static_cast<double>(shapes.size(theta, 0)));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind rnan() {
  Kind kind{"rnan", "RNAN (Zhang et al. 2019)", read_rnan, rnan_graph};
  kind.traits.least_side = 2;
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"groups", "residual attention modules between the two non-local ones", 8, 1, 32},
                 {"inner", "channels inside the non-local layers", 32, 1, 128},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
