#include "networks/all_kinds.h"
#include "networks/blocks.h"

namespace zsr::networks {
namespace {

using nn::Value;

// Names of J. Yeo's code (yjn870), and of another PyTorch code (jt827859032).
struct DrrnNames {
  const char* first;
  const char* unit_first;
  const char* unit_second;
  const char* last;
  double units;  ///< Which no shape tells.
};
constexpr DrrnNames kDrrnNames[] = {
    {"rbs.0.h0.module.1", "rbs.0.ru.module.0.module.1", "rbs.0.ru.module.1.module.1", "rec.module.1", 9.0},
    {"input", "conv1", "conv2", "output", 25.0}};

const DrrnNames& drrn_names(const Config& config) {
  return kDrrnNames[config.naming == "short" ? 1 : 0];
}

// DRRN (Tai, Yang and Liu, CVPR 2017) without batch normalisation, as its PyTorch codes are: one residual unit again
// and again on the cubically enlarged luma, each time with the first convolution's result added.
nn::Graph drrn_graph(const Config& config) {
  const DrrnNames& names = drrn_names(config);
  const int64_t width = config.whole("width");
  nn::Graph g;
  SharedLayers layers(g);
  const auto conv = [&](const char* name, Value x, int64_t out) {
    return layers.conv(name, g.relu(x), out, {.bias = false});
  };
  const Value image = g.input(1);
  const Value first = conv(names.first, image, width);
  Value x = first;
  for (int64_t i = 0; i < config.whole("units"); ++i) {
    x = conv(names.unit_second, conv(names.unit_first, x, width), width) + first;
  }
  g.output(conv(names.last, x, 1) + image, 1);
  return g;
}

std::optional<Config> read_drrn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  config.naming = shapes.has("rbs.0.h0.module.1.weight") ? "" : "short";
  const DrrnNames& names = drrn_names(config);
  for (const char* const name : {names.first, names.unit_first, names.unit_second, names.last}) {
    if (!shapes.has(std::string(name) + ".weight")) return std::nullopt;
  }
  config.set("width", static_cast<double>(shapes.size(std::string(names.first) + ".weight", 0)));
  config.set("units", shapes.remark("units", names.units));
  return config;
}

}  // namespace

Kind drrn() {
  Kind kind{"drrn", "DRRN (Tai et al. 2017)", read_drrn, drrn_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.fields = {{"width", "channels", 128, 8, 256}, {"units", "times that the unit is applied", 25, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
