#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Names of a block, by group and number, and of the rest.
struct RcanNames {
  const char* head;
  const char* first;
  const char* second;
  const char* attention;
  const char* group_last;
  const char* up;
  const char* last;
};
constexpr RcanNames kRcanNames{"head.0",
                               "body.{}.body.{}.body.0",
                               "body.{}.body.{}.body.2",
                               "body.{}.body.{}.body.3.conv_du",
                               "body.{}.body.{}",
                               "tail.0.",
                               "tail.1"};
constexpr RcanNames kRcanBasicsrNames{"conv_first",
                                      "body.{}.residual_group.{}.rcab.0",
                                      "body.{}.residual_group.{}.rcab.2",
                                      "body.{}.residual_group.{}.rcab.3.attention",
                                      "body.{}.conv",
                                      "upsample.",
                                      "conv_last"};

bool rcan_by_basicsr(const Config& config) {
  return config.naming == "basicsr";
}

template <typename... Numbers>
std::string rcan_name(const char* pattern, Numbers... numbers) {
  return fmt::format(fmt::runtime(pattern), numbers...);
}

// Channel attention by the means; BasicSR's two convolutions are numbers 1 and 3, the authors' 0 and 2.
Value rcan_weights(Graph& g, Value x, const std::string& name, int64_t squeezed, bool basicsr) {
  const Value mean = g.pool(x, nn::Pooling::kMean);
  if (!basicsr) return channel_weights(g, mean, name, squeezed);
  const Value few = g.relu(g.conv(name + ".1", mean, squeezed, {.side = 1}));
  return g.sigmoid(g.conv(name + ".3", few, g.node(x.node).channels, {.side = 1}));
}

// RCAN (Zhang et al., ECCV 2018): groups of residual blocks with channel attention.
Graph rcan_graph(const Config& config) {
  const bool basicsr = rcan_by_basicsr(config);
  const RcanNames& names = basicsr ? kRcanBasicsrNames : kRcanNames;
  const int64_t width = config.whole("width");
  const int64_t groups = config.whole("groups");
  const int64_t blocks = config.whole("depth");
  Graph g;
  const Value head = g.conv(names.head, into_colors(g, g.input(config.channels), config), width);
  Value x = head;
  for (int64_t i = 0; i < groups; ++i) {
    const Value start = x;
    for (int64_t b = 0; b < blocks; ++b) {
      const Value inner = g.relu(g.conv(rcan_name(names.first, i, b), x, width));
      const Value made = g.conv(rcan_name(names.second, i, b), inner, width);
      const std::string attention = rcan_name(names.attention, i, b);
      x = made * rcan_weights(g, made, attention, config.whole("squeezed"), basicsr) + x;
    }
    x = g.conv(rcan_name(names.group_last, i, blocks), x, width) + start;
  }
  x = g.conv(basicsr ? "conv_after_body" : fmt::format("body.{}", groups), x, width) + head;
  x = g.conv(names.last, shuffled_up(g, x, names.up, config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

std::optional<Config> read_rcan(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  config.naming = shapes.has("conv_first.weight") ? "basicsr" : "";
  const bool basicsr = rcan_by_basicsr(config);
  const RcanNames& names = basicsr ? kRcanBasicsrNames : kRcanNames;
  const std::string squeeze = rcan_name(names.attention, 0, 0) + (basicsr ? ".1.weight" : ".0.weight");
  if (!shapes.has(squeeze) || !shapes.has(std::string(names.head) + ".weight")) return std::nullopt;
  // HAN has these layers and more.
  if (shapes.has("csa.gamma") || shapes.has("la.gamma")) return std::nullopt;
  const int64_t width = shapes.size(std::string(names.head) + ".weight", 0);
  config.channels = shapes.photo_channels(names.head);
  config.scales = {shuffled_scale(shapes, names.up, width)};
  int64_t blocks = 0;
  while (shapes.has(rcan_name(names.second, 0, blocks) + ".weight")) ++blocks;
  int64_t groups = 0;
  while (shapes.has(rcan_name(names.second, groups, 0) + ".weight")) ++groups;
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(groups));
  config.set("depth", static_cast<double>(blocks));
  config.set("squeezed", static_cast<double>(shapes.size(squeeze, 0)));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind rcan() {
  Kind kind{"rcan", "RCAN (Zhang et al. 2018)", read_rcan, rcan_graph};
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"groups", "residual groups", 10, 1, 32},
                 {"depth", "blocks of a group", 20, 1, 64},
                 {"squeezed", "channels inside the channel attention", 4, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
