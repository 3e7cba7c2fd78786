#include "networks/transformer_frame.h"

#include "core/error.h"
#include "networks/blocks.h"

#include <fmt/format.h>

namespace zsr::networks {

using nn::Graph;
using nn::Value;

Value joint_conv(Graph& g, const std::string& name, Value x, const Config& config) {
  constexpr double kLeak = 0.2;
  constexpr Graph::ConvOptions kPixel{.side = 1};
  const int64_t width = g.node(x.node).channels;
  if (config.whole("three") == 0) return g.conv(name, x, width);
  const int64_t few = width / 4;
  const Value narrow = g.leaky_relu(g.conv(name + ".0", x, few), kLeak);
  return g.conv(name + ".4", g.leaky_relu(g.conv(name + ".2", narrow, few, kPixel), kLeak), width);
}

Value transformer_tail(Graph& g, Value x, const Config& config) {
  constexpr double kLeakBefore = 0.01;
  constexpr double kLeakAfter = 0.2;
  const int64_t scale = config.scales[0];
  const int64_t tail = config.whole("tail");
  if (tail == kTailLight) return g.shuffle(g.conv("upsample.0", x, config.channels * scale * scale), scale);
  const int64_t features = config.whole("up_width");
  x = g.leaky_relu(g.conv("conv_before_upsample.0", x, features), kLeakBefore);
  if (tail == kTailClassical) return g.conv("conv_last", shuffled_up(g, x, "upsample.", scale), config.channels);
  int64_t step = 1;
  for (int64_t left = scale; left > 1; left /= 2, ++step) {
    if (left % 2 != 0) throw OptionError("scale = 3, enlarging by nearest neighbours is for 2 and 4");
    x = g.leaky_relu(g.conv(fmt::format("conv_up{}", step), g.nearest(x, 2), features), kLeakAfter);
  }
  return g.conv("conv_last", g.leaky_relu(g.conv("conv_hr", x, features), kLeakAfter), config.channels);
}

namespace {

int64_t scale_in_file(const FileShapes& shapes, const Config& config) {
  switch (config.whole("tail")) {
    case kTailLight:
      return shapes.shuffle_factor("upsample.0", config.channels);
    case kTailReal:
      return shapes.has("conv_up2.weight") ? 4 : 2;
    default:
      return shuffled_scale(shapes, "upsample.", config.whole("up_width"));
  }
}

}  // namespace

void read_transformer_frame(const FileShapes& shapes, Config& config) {
  const bool light = !shapes.has("conv_before_upsample.0.weight");
  config.channels = shapes.photo_channels("conv_first");
  config.set("tail", light ? kTailLight : shapes.has("conv_up1.weight") ? kTailReal : kTailClassical);
  config.set("three", shapes.has("layers.0.conv.0.weight") ? 1.0 : 0.0);
  config.set("up_width", light ? shapes.remark("up_width", 64.0)
                               : static_cast<double>(shapes.size("conv_before_upsample.0.weight", 0)));
  config.scales = {scale_in_file(shapes, config)};
}

}  // namespace zsr::networks
