#include "networks/all_kinds.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

#include <functional>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kStages = 3;

// Three units, each of which sees all before it through a 1x1 convolution. `unit` gets its number, from 1 on.
Value cascade(Graph& g, Value x, const std::string& gather, int64_t width,
              const std::function<Value(int64_t, Value)>& unit) {
  Value seen = x;
  for (int64_t i = 1; i <= kStages; ++i) {
    seen = g.concat({seen, unit(i, x)});
    x = g.relu(g.conv(fmt::format("{}{}.body.0", gather, i), seen, width, {.side = 1}));
  }
  return x;
}

// A residual unit, with the weights of an earlier one or its own. The efficient one has grouped convolutions and a 1x1
// convolution to mix the groups.
class Unit {
 public:
  Unit(Graph& graph, const Config& config)
      : g_(graph), width_(config.whole("width")), groups_(config.whole("groups")) {}
  Value own(const std::string& name, Value x) {
    const Value first = g_.conv(name + ".0", x, width_, {.groups = groups_});
    convs_ = {first};
    Value y = g_.conv(name + ".2", g_.relu(first), width_, {.groups = groups_});
    convs_.push_back(y);
    if (groups_ > 1) convs_.push_back(y = g_.conv(name + ".4", g_.relu(y), width_, {.side = 1}));
    return g_.relu(y + x);
  }
  Value again(Value x) {
    Value y = g_.conv_like(convs_[1], g_.relu(g_.conv_like(convs_[0], x)));
    if (groups_ > 1) y = g_.conv_like(convs_[2], g_.relu(y));
    return g_.relu(y + x);
  }

 private:
  Graph& g_;
  int64_t width_;
  int64_t groups_;
  std::vector<Value> convs_;
};

constexpr const char* kOneScale = "one scale";  // naming of the authors' networks for a single scale

std::string enlarging(const std::string& naming, int64_t scale) {
  return naming == kOneScale ? "upsample.up" : fmt::format("upsample.up{}", scale);
}

// CARN and CARN-M (Ahn, Kang and Sohn, ECCV 2018): residual units in two storeys of cascades; one body for x2, x3 and
// x4 where the file has them.
Graph carn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const bool shared = config.whole("shared") != 0;
  Graph g;
  const Value entry = g.conv("entry", subtract_mean(g, g.input(config.channels)), width);
  const auto block = [&](int64_t b, Value x) {
    Unit unit(g, config);
    return cascade(g, x, fmt::format("b{}.c", b), width, [&](int64_t u, Value y) {
      return shared && u > 1 ? unit.again(y) : unit.own(fmt::format("b{}.b{}.body", b, u), y);
    });
  };
  const Value body = cascade(g, entry, "c", width, block);
  std::vector<Value> exits;  // the last convolution is shared too
  for (const int64_t scale : config.scales) {
    Value x = body;
    int64_t place = 0;
    for (int64_t left = scale; left > 1; place += 3) {
      const int64_t factor = left % 2 == 0 ? 2 : left;
      const std::string name = fmt::format("{}.body.{}", enlarging(config.naming, scale), place);
      x = g.shuffle(g.relu(g.conv(name, x, factor * factor * width, {.groups = config.whole("up_groups")})), factor);
      left /= factor;
    }
    exits.push_back(exits.empty() ? g.conv("exit", x, config.channels) : g.conv_like(exits[0], x));
    g.output(add_mean(g, exits.back()), scale);
  }
  return g;
}

// The number of groups shows in the shape.
int64_t groups_of(const FileShapes& shapes, const std::string& name, int64_t in) {
  const int64_t stored = std::max<int64_t>(1, shapes.size(name, 1));
  return in % stored == 0 ? in / stored : 1;
}

// Of a network for a single scale: the product of its enlarging convolutions' factors.
int64_t one_scale(const FileShapes& shapes, int64_t width) {
  int64_t scale = 1;
  for (int64_t place = 0;; place += 3) {
    const int64_t factor = shapes.shuffle_factor(fmt::format("upsample.up.body.{}", place), width);
    if (factor == 0) return scale;
    scale *= factor;
  }
}

std::optional<Config> read_carn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("entry.weight") || !shapes.has("b1.b1.body.0.weight")) return std::nullopt;
  const int64_t width = shapes.size("entry.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("entry");
  int64_t up_groups = 1;
  if (shapes.has("upsample.up.body.0.weight")) {
    config.naming = kOneScale;
    config.scales = {one_scale(shapes, width)};
    up_groups = groups_of(shapes, "upsample.up.body.0.weight", width);
  }
  for (int64_t scale = 2; scale <= 4; ++scale) {
    const std::string name = fmt::format("upsample.up{}.body.0.weight", scale);
    if (!shapes.has(name)) continue;
    config.scales.push_back(scale);
    up_groups = groups_of(shapes, name, width);
  }
  if (config.scales.empty()) return std::nullopt;
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(groups_of(shapes, "b1.b1.body.0.weight", width)));
  config.set("up_groups", static_cast<double>(up_groups));
  config.set("shared", shapes.has("b1.b2.body.0.weight") ? 0.0 : 1.0);
  return config;
}

}  // namespace

Kind carn() {
  Kind kind{"carn", "CARN and CARN-M (Ahn et al. 2018)", read_carn, carn_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"groups", "groups of the residual units' convolutions (CARN-M: 4)", 1, 1, 16},
                 {"up_groups", "groups of the enlarging convolutions (CARN-M: 4)", 1, 1, 16},
                 {"shared", "1: the units of a block share their weights (CARN-M)", 0, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  kind.all_scales = true;
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
