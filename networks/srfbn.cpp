#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// The feedback block and the layers around it, which every step uses again. "<name>.0" is a convolution, "<name>.1" its
// slope.
class SrfbnLayers {
 public:
  SrfbnLayers(Graph& graph, const Config& config)
      : g_(graph), layers_(graph), width_(config.whole("width")), groups_(config.whole("groups")) {
    const int64_t scale = config.scales[0];
    window_ = {.side = scale + 4, .stride = scale, .padding = 2};
  }
  Value conv(const std::string& name, Value x, int64_t out, Graph::ConvOptions options) {
    return layers_.prelu(name + ".1", layers_.conv(name + ".0", x, out, options));
  }
  Value larger(const std::string& name, Value x) {
    return layers_.prelu(name + ".1", layers_.transposed_conv(name + ".0", x, width_, window_));
  }
  Value last(const std::string& name, Value x, int64_t channels) { return layers_.conv(name + ".0", x, channels); }
  Value block(Value x, Value hidden) {
    std::vector<Value> low{pixel("block.compress_in", {x, hidden})};
    std::vector<Value> high;
    for (int64_t i = 0; i < groups_; ++i) {
      const Value narrow = i == 0 ? low[0] : pixel(fmt::format("block.uptranBlocks.{}", i - 1), low);
      high.push_back(larger(fmt::format("block.upBlocks.{}", i), narrow));
      const Value wide = i == 0 ? high[0] : pixel(fmt::format("block.downtranBlocks.{}", i - 1), high);
      low.push_back(smaller(fmt::format("block.downBlocks.{}", i), wide));
    }
    return pixel("block.compress_out", {low.begin() + 1, low.end()});
  }

 private:
  Value pixel(const std::string& name, const std::vector<Value>& seen) {
    return conv(name, seen.size() == 1 ? seen[0] : g_.concat(seen), width_, {.side = 1});
  }
  Value smaller(const std::string& name, Value x) {
    return conv(name, x, width_, {.side = window_.side, .stride = window_.stride, .padding = window_.padding});
  }

  Graph& g_;
  SharedLayers layers_;
  int64_t width_;
  int64_t groups_;
  nn::Convolution window_{};
};

// SRFBN (Li et al., CVPR 2019): one block again and again, which sees what it made before. The last step's result is
// the network's.
Graph srfbn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  SrfbnLayers layers(g, config);
  const Value image = into_colors(g, g.input(config.channels), config);
  const Value features = layers.conv("feat_in", layers.conv("conv_in", image, 4 * width, {}), width, {.side = 1});
  Value hidden = features;
  std::vector<Value> steps;
  for (int64_t t = 0; t < config.whole("iterations"); ++t) {
    hidden = layers.block(features, hidden);
    steps.push_back(hidden);
  }
  const auto made_of = [&](Value step) {
    const Value made = layers.last("conv_out", layers.larger("out", step), config.channels);
    return out_of_colors(g, g.resize(image, nn::Interpolation::kBilinear, scale) + made, config);
  };
  g.output(made_of(steps.back()), scale);
  for (size_t t = 0; t + 1 < steps.size(); ++t) {
    g.intermediate(fmt::format("step {}", t + 1), made_of(steps[t]), scale, scale);
  }
  return g;
}

std::optional<Config> read_srfbn(const WeightsFile& weights) {
  constexpr double kPublishedSteps = 4.0;
  const FileShapes shapes(weights);
  if (!shapes.has("block.compress_in.0.weight") || !shapes.has("block.upBlocks.0.0.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels("conv_in.0");
  config.scales = {shapes.size("block.upBlocks.0.0.weight", 2) - 4};
  config.set("width", static_cast<double>(shapes.size("feat_in.0.weight", 0)));
  config.set("groups", static_cast<double>(shapes.count("block.upBlocks.", ".0.weight")));
  config.set("iterations", shapes.remark("iterations", kPublishedSteps));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind srfbn() {
  Kind kind{"srfbn", "SRFBN (Li et al. 2019)", read_srfbn, srfbn_graph};
  kind.fields = {{"width", "channels (SRFBN-S: 32)", 64, 4, 256},
                 {"groups", "projection groups of the block (SRFBN-S: 3)", 6, 1, 16},
                 {"iterations", "times that the block is applied", 4, 1, 16},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.supervision = Supervision::kEqual;
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
