#include "networks/all_kinds.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <map>
#include <regex>
#include <set>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr double kRrdbLeak = 0.2;
constexpr double kResidualScale = 0.2;
constexpr int64_t kDense = 5;

// BasicSR's and Real-ESRGAN's names, or those of ESRGAN's first code and BSRGAN ("esrgan").
struct Names {
  std::string block;  // with {} for block and dense part
  std::string body, up1, up2, hr;
};

Names names_of(const std::string& naming) {
  if (naming.empty()) return {"body.{}.rdb{}.conv", "conv_body", "conv_up1", "conv_up2", "conv_hr"};
  return {"RRDB_trunk.{}.RDB{}.conv", "trunk_conv", "upconv1", "upconv2", "HRconv"};
}

// Whether the names are those of ESRGAN's first published code, which numbered its layers.
bool has_old_names(const WeightsFile& weights) {
  return weights.find("model.1.sub.0.RDB1.conv1.0.weight") != nullptr;
}

// Those names as its later code has them: "model.1.sub.3.RDB2.conv4.0.bias" is "RRDB_trunk.3.RDB2.conv4.bias". Layers
// without parameters have numbers too, so the convolutions of the tail are found by their order.
WeightsFile with_later_names(WeightsFile weights) {
  if (!has_old_names(weights)) return weights;
  static const std::regex dense("model\\.1\\.sub\\.(\\d+)\\.(RDB\\d\\.conv\\d)\\.0\\.(weight|bias)");
  static const std::regex trunk("model\\.1\\.sub\\.\\d+\\.(weight|bias)");
  static const std::regex plain("model\\.(\\d+)\\.(weight|bias)");
  std::smatch match;
  std::set<int64_t> tail;
  for (const NamedTensor& entry : weights.tensors) {
    if (std::regex_match(entry.name, match, plain) && match[1] != "0") tail.insert(std::stoll(match[1].str()));
  }
  std::map<int64_t, std::string> names{{0, "conv_first"}};
  const auto count = static_cast<int64_t>(tail.size());
  for (int64_t place = 0; const int64_t number : tail) {
    const int64_t left = count - place++;
    names[number] = left == 1 ? "conv_last" : left == 2 ? "HRconv" : fmt::format("upconv{}", place);
  }
  for (NamedTensor& entry : weights.tensors) {
    if (std::regex_match(entry.name, match, dense)) {
      entry.name = fmt::format("RRDB_trunk.{}.{}.{}", match[1].str(), match[2].str(), match[3].str());
    } else if (std::regex_match(entry.name, match, trunk)) {
      entry.name = "trunk_conv." + match[1].str();
    } else if (std::regex_match(entry.name, match, plain)) {
      entry.name = names[std::stoll(match[1].str())] + "." + match[2].str();
    }
  }
  return weights;
}

// Each of the five convolutions sees all that came before it.
Value dense_block(Graph& g, Value x, const std::string& name, int64_t width, int64_t growth) {
  std::vector<Value> seen{x};
  for (int64_t i = 1; i < kDense; ++i) {
    const Value all = seen.size() == 1 ? x : g.concat(seen);
    seen.push_back(g.leaky_relu(g.conv(fmt::format("{}{}", name, i), all, growth), kRrdbLeak));
  }
  return g.conv(fmt::format("{}{}", name, kDense), g.concat(seen), width) * kResidualScale + x;
}

// RRDBNet of ESRGAN (Wang et al., ECCVW 2018), Real-ESRGAN and BSRGAN: dense blocks within residual blocks, nearest
// neighbours and convolutions to enlarge. Real-ESRGAN's x2 and x1 first turn pixels into channels.
Graph rrdb_graph(const Config& config) {
  const Names names = names_of(config.naming);
  const int64_t width = config.whole("width");
  const int64_t unshuffle = config.whole("unshuffle");
  Graph g;
  const Value first = g.conv("conv_first", g.unshuffle(g.input(config.channels), unshuffle), width);
  Value x = first;
  for (int64_t b = 0; b < config.whole("depth"); ++b) {
    Value inner = x;
    for (int64_t part = 1; part <= 3; ++part) {
      inner = dense_block(g, inner, fmt::format(fmt::runtime(names.block), b, part), width, config.whole("growth"));
    }
    x = inner * kResidualScale + x;
  }
  x = first + g.conv(names.body, x, width);
  const int64_t enlargement = config.scales[0] * unshuffle;
  int64_t made = 1;
  for (const std::string& name : {names.up1, names.up2}) {
    if (made == enlargement) break;
    x = g.leaky_relu(g.conv(name, g.nearest(x, 2), width), kRrdbLeak);
    made *= 2;
  }
  x = g.conv("conv_last", g.leaky_relu(g.conv(names.hr, x, width), kRrdbLeak), config.channels);
  g.output(x, config.scales[0]);
  return g;
}

std::optional<Config> read_rrdb(const WeightsFile& weights) {
  if (has_old_names(weights)) return read_rrdb(with_later_names(weights));
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("RRDB_trunk.0.RDB1.conv1.weight")) {
    config.naming = "esrgan";
  } else if (!shapes.has("body.0.rdb1.conv1.weight")) {
    return std::nullopt;
  }
  const Names names = names_of(config.naming);
  const int64_t inputs = shapes.size("conv_first.weight", 1);
  config.channels = shapes.size("conv_last.weight", 0) == 1 ? 1 : 3;
  const int64_t unshuffle = inputs == 4 * config.channels ? 2 : inputs == 16 * config.channels ? 4 : 1;
  int64_t enlargement = 1;
  for (const std::string& name : {names.up1, names.up2}) enlargement *= shapes.has(name + ".weight") ? 2 : 1;
  config.scales = {std::max<int64_t>(1, enlargement / unshuffle)};
  const std::string first = fmt::format(fmt::runtime(names.block), 0, 1) + "1.weight";
  const std::string prefix = config.naming.empty() ? "body." : "RRDB_trunk.";
  config.set("width", static_cast<double>(shapes.size("conv_first.weight", 0)));
  config.set("depth", static_cast<double>(
                          shapes.count(prefix, config.naming.empty() ? ".rdb1.conv1.weight" : ".RDB1.conv1.weight")));
  config.set("growth", static_cast<double>(shapes.size(first, 0)));
  config.set("unshuffle", static_cast<double>(unshuffle));
  return config;
}

}  // namespace

Kind rrdb() {
  Kind kind{"rrdb", "RRDBNet (ESRGAN, Real-ESRGAN, BSRGAN)", read_rrdb, rrdb_graph};
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "residual-in-residual blocks", 23, 1, 64},
                 {"growth", "channels that each dense convolution adds", 32, 16, 64, 16},
                 {"unshuffle", "photo pixels a side that become channels first", 1, 1, 4}};
  kind.trainable_scales = {4};
  kind.renamed = with_later_names;
  return kind;
}

}  // namespace zsr::networks
