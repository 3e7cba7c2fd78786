#include "networks/all_kinds.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

constexpr int64_t kScales[] = {2, 3, 4};

// MDSR (Lim et al. 2017): one body for x2, x3 and x4, with its own two 5x5 residual blocks before it and its own
// pixel shuffles behind it for each.
nn::Graph mdsr_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t blocks = config.whole("depth");
  nn::Graph g;
  g.bias_unit(255.0);
  const nn::Value head = g.conv("head.0", subtract_mean(g, g.input(config.channels)), width);
  std::vector<nn::Value> shared;  // convolutions of the body and the tail, made with the first scale
  const auto conv = [&](size_t index, int64_t scale, const std::string& name, nn::Value x, int64_t out) {
    if (scale != kScales[0]) return g.conv_like(shared[index], x);
    shared.push_back(g.conv(name, x, out));
    return shared.back();
  };
  for (size_t s = 0; s < std::size(kScales); ++s) {
    const int64_t scale = kScales[s];
    nn::Value x = head;
    for (int64_t i = 0; i < 2; ++i) {
      const std::string name = fmt::format("pre_process.{}.{}.body", s, i);
      const nn::Value inner = g.relu(g.conv(name + ".0", x, width, {.side = 5}));
      x = x + g.conv(name + ".2", inner, width, {.side = 5});
    }
    size_t index = 0;
    const nn::Value before = x;
    for (int64_t i = 0; i < blocks; ++i) {
      const nn::Value inner = g.relu(conv(index++, scale, fmt::format("body.{}.body.0", i), x, width));
      x = x + conv(index++, scale, fmt::format("body.{}.body.2", i), inner, width);
    }
    x = before + conv(index++, scale, fmt::format("body.{}", blocks), x, width);
    int64_t place = 0;
    for (int64_t left = scale; left > 1; place += 2) {
      const int64_t factor = left % 2 == 0 ? 2 : left;
      x = g.shuffle(g.conv(fmt::format("upsample.{}.{}", s, place), x, factor * factor * width), factor);
      left /= factor;
    }
    g.output(add_mean(g, conv(index, scale, "tail.0", x, config.channels)), scale);
  }
  return g;
}

std::optional<Config> read_mdsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("pre_process.0.0.body.0.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {2, 3, 4};
  config.set("width", static_cast<double>(shapes.size("head.0.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("body.", ".body.0.weight")));
  return config;
}

}  // namespace

Kind mdsr() {
  Kind kind{"mdsr", "MDSR (Lim et al. 2017)", read_mdsr, mdsr_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "residual blocks", 16, 2, 80}};
  kind.trainable_scales = {2, 3, 4};
  kind.all_scales = true;
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
