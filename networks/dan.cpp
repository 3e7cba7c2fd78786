#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/kernel_code.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <tuple>
#include <utility>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

constexpr double kDanSlope = 0.2;
constexpr double kDanLoops = 4.0;
constexpr int64_t kDanEstimatorBlocks = 5;
constexpr int64_t kDanKernelSide = 21;

// Restorer and estimator by turns, the layers of both versions.
class DanLayers {
 public:
  DanLayers(Graph& graph, const Config& config)
      : g_(graph), shared_(graph), width_(config.whole("width")), scale_(config.scales[0]), colors_(config.channels) {}

  Value conv(const std::string& name, Value x, int64_t out, int64_t side = 3) {
    return shared_.conv(name, x, out, {.side = side});
  }
  Value leaky(Value x) { return g_.leaky_relu(x, kDanSlope); }

  // The photo's pixels out of a result: one for each of the photo.
  Value reduced(const std::string& name, Value made, int64_t side) {
    return shared_.conv(name, made, width_ / 2, {.side = side, .stride = scale_, .padding = side / 2});
  }

  Value image_of(Value features) {
    Value x = conv("Restorer.fusion", features, width_);
    int64_t place = 0;
    for (int64_t left = scale_; left > 1; place += 2) {
      const int64_t factor = left == 4 ? 2 : left;
      x = g_.shuffle(conv(fmt::format("Restorer.upscale.{}", place), x, factor * factor * width_), factor);
      left /= factor;
    }
    return conv(fmt::format("Restorer.upscale.{}", place), x, colors_);
  }

  // Training begins with blocks that change nothing: dozens of drawn ones, run again and again, would let values grow
  // without bounds. (The authors draw weights a tenth as large as usual.)
  Value begun(const std::string& name, Value made) {
    g_.begin(name + ".weight", {0.0F});
    return made;
  }
  // It undoes then what groups multiply by.
  void begin_fusion(int64_t groups) {
    std::vector<float> values(static_cast<size_t>(width_ * width_ * 9), 0.0F);
    const float factor = std::ldexp(1.0F, -static_cast<int>(groups));
    for (int64_t i = 0; i < width_; ++i) values[static_cast<size_t>((i * width_ + i) * 9 + 4)] = factor;
    g_.begin("Restorer.fusion.weight", std::move(values));
  }

  // A conditional residual block of the first version: channel attention behind two convolutions of both inputs.
  Value conditional(const std::string& name, Value x, Value known) {
    const int64_t width = g_.node(x.node).channels;
    const Value both = g_.concat({x, known});
    Value y = leaky(conv(name + "0", both, g_.node(both.node).channels));
    y = begun(name + "2", conv(name + "2", y, width));
    const Value few = leaky(conv(name + "3.body.0", g_.pool(y, nn::Pooling::kMean), width / 16, 1));
    return x + y * g_.sigmoid(conv(name + "3.body.2", few, width, 1));
  }

  // A group of dual-path conditional blocks of the second version. The authors' sum with the group's input is one with
  // its result, which took the input's place: both paths are doubled.
  std::pair<Value, Value> group(const std::string& name, Value x, Value y, int64_t side, int64_t blocks) {
    for (int64_t i = 0; i < blocks; ++i) {
      const std::string own = fmt::format("{}body.{}.", name, i);
      const int64_t width = g_.node(x.node).channels;
      const Value first = conv(own + "body1.2", leaky(conv(own + "body1.0", x, width)), width);
      const Value inner = leaky(conv(own + "body2.0", y, width, side));
      const Value second = begun(own + "body2.2", conv(own + "body2.2", inner, width, side));
      x = x + first * second;
      y = y + second;
    }
    return {x * 2.0, y * 2.0};
  }

 private:
  Graph& g_;
  SharedLayers shared_;
  int64_t width_;
  int64_t scale_;
  int64_t colors_;
};

void refuse_narrow(const Config& config) {
  if (config.whole("width") % 32 != 0) {
    throw OptionError(fmt::format("width = {}, must be a multiple of 32", config.whole("width")));
  }
}

// DAN (Luo, Huang, Li, Wang and Tan, NeurIPS 2020): a restorer that is given the kernel's code, and an estimator of the
// code that is given the result, by turns; the first code is that of no blur.
Graph dan_graph(const Config& config) {
  refuse_narrow(config);
  const int64_t width = config.whole("width");
  const int64_t codes = config.whole("code");
  Graph g;
  DanLayers layers(g, config);
  const Value image = g.input(config.channels);
  Value code = stored_code(g, "init_ker_map", delta_code(kDanKernelSide, codes), image);
  const Value head = layers.conv("Restorer.head", image, width);
  const Value seen = layers.conv("Estimator.head_LR", image, width / 2, 1);
  Value made = image;
  for (int64_t loop = 0; loop < config.whole("iterations"); ++loop) {
    if (loop > 0) {
      Value x = seen;
      const Value known = layers.reduced("Estimator.head_HR", made, 9);
      for (int64_t i = 0; i < kDanEstimatorBlocks; ++i) {
        x = layers.conditional(fmt::format("Estimator.body.{}.body.", i), x, known);
      }
      code = g.pool(layers.conv("Estimator.out", x, codes), nn::Pooling::kMean);
    }
    const Value map = spread(g, code, image);
    Value x = head;
    for (int64_t i = 0; i < config.whole("depth"); ++i) {
      x = layers.conditional(fmt::format("Restorer.body.{}.body.", i), x, map);
    }
    made = layers.image_of(x);
  }
  g.output(made, config.scales[0]);
  return g;
}

// The second version (Luo, Huang, Li, Wang and Tan, arXiv 2107.00986): the estimator finds the kernel itself, both
// networks have two paths.
Graph danv2_graph(const Config& config) {
  refuse_narrow(config);
  const int64_t width = config.whole("width");
  const int64_t codes = config.whole("code");
  const int64_t scale = config.scales[0];
  const int64_t side = config.whole("kernel");
  if (side % 2 == 0) throw OptionError(fmt::format("kernel = {}, must be odd", side));
  Graph g;
  DanLayers layers(g, config);
  const Value image = g.input(config.channels);
  Value code = stored_code(g, "init_ker_map", delta_code(side, codes), image);
  const Value head = layers.conv("Restorer.head1", image, width);
  const Value seen = layers.conv("Estimator.head_LR.0", image, width / 2, 5);
  Value made = image;
  for (int64_t loop = 0; loop < config.whole("iterations"); ++loop) {
    if (loop > 0) {
      const Value known = layers.reduced("Estimator.head_HR.0", made, 4 * scale + 1);
      const Value x = layers.group("Estimator.body.", seen, known, 3, kDanEstimatorBlocks).first;
      const Value mean = g.pool(layers.conv("Estimator.tail.0", x, width), nn::Pooling::kMean);
      const Value kernel = g.softmax(layers.conv("Estimator.tail.2", mean, side * side, 1));
      code = encoded_kernel(g, "encoder", kernel, side, codes);
    }
    Value x = head;
    Value y = layers.conv("Restorer.head2", code, width, 1);
    for (int64_t i = 0; i < config.whole("groups"); ++i) {
      std::tie(x, y) = layers.group(fmt::format("Restorer.body.{}.", i), x, y, 1, config.whole("depth"));
    }
    made = layers.image_of(x);
  }
  layers.begin_fusion(config.whole("groups"));
  g.output(made, scale);
  return g;
}

// What both versions' files say in the same way.
Config read_restorer_of_dan(const FileShapes& shapes, const std::string& head) {
  Config config;
  const int64_t width = shapes.size(head + ".weight", 0);
  config.channels = shapes.photo_channels(head);
  config.scales = {shapes.shuffle_factor("Restorer.upscale.0", width)};
  if (shapes.has("Restorer.upscale.4.weight")) config.scales[0] *= shapes.shuffle_factor("Restorer.upscale.2", width);
  config.set("width", static_cast<double>(width));
  config.set("code", static_cast<double>(shapes.size("init_ker_map", 1)));
  config.set("iterations", shapes.remark("iterations", kDanLoops));
  return config;
}

std::optional<Config> read_dan(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("Restorer.head.weight") || !shapes.has("Estimator.head_LR.weight")) return std::nullopt;
  Config config = read_restorer_of_dan(shapes, "Restorer.head");
  config.set("depth", static_cast<double>(shapes.count("Restorer.body.", ".body.0.weight")));
  return config;
}

std::optional<Config> read_danv2(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("Restorer.head1.weight") || !shapes.has("Estimator.head_LR.0.weight")) return std::nullopt;
  Config config = read_restorer_of_dan(shapes, "Restorer.head1");
  config.set("groups", static_cast<double>(shapes.count("Restorer.body.", ".body.0.body1.0.weight")));
  config.set("depth", static_cast<double>(shapes.count("Restorer.body.0.body.", ".body1.0.weight")));
  int64_t side = 1;
  while (side * side < shapes.size("Estimator.tail.2.weight", 0)) side += 2;
  config.set("kernel", static_cast<double>(side));
  return config;
}

std::vector<Field> dan_fields(std::vector<Field> own) {
  std::vector<Field> all{{"width", "channels", 64, 32, 256, 32}};
  all.insert(all.end(), own.begin(), own.end());
  all.push_back({"code", "numbers that stand for a kernel", 10, 1, 64});
  all.push_back({"iterations", "results made, each but the first after a new estimate", kDanLoops, 2, 32});
  return all;
}

}  // namespace

Kind dan() {
  Kind kind{"dan", "DAN (Luo et al. 2020)", read_dan, dan_graph};
  kind.ignored = {"encoder", "init_kernel"};
  kind.fields = dan_fields({{"depth", "conditional residual blocks", 40, 1, 128}});
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

Kind danv2() {
  Kind kind{"danv2", "DAN, second version (Luo et al. 2021)", read_danv2, danv2_graph};
  kind.ignored = {"init_kernel"};
  kind.fields = dan_fields({{"groups", "groups of blocks", 5, 1, 32},
                            {"depth", "dual-path blocks of a group", 10, 1, 64},
                            {"kernel", "side of the estimated kernel, odd", kDanKernelSide, 3, 63}});
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
