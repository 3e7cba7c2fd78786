#include "networks/all_kinds.h"
#include "networks/blocks.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <map>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr const char* kDrcnTensorflow = "tensorflow";
constexpr double kDrcnTensorflowRange = 255.0;

// The layers of J. Ooyama's TensorFlow code (jiny2001), whose weights of the results need not add up to one.
WeightsFile renamed_drcn(WeightsFile weights) {
  static const std::map<std::string, std::string> names{{"W-1_conv.conv_W_1", "embedding.0.weight"},
                                                        {"W-1_conv.conv_B", "embedding.0.bias"},
                                                        {"W0_conv.conv_W_1", "embedding.1.weight"},
                                                        {"W0_conv.conv_B", "embedding.1.bias"},
                                                        {"W_conv", "recursion.weight"},
                                                        {"B", "recursion.bias"},
                                                        {"WD1_conv_1", "reconstruction.0.weight"},
                                                        {"BD1", "reconstruction.0.bias"},
                                                        {"WD2_conv_1", "reconstruction.1.weight"},
                                                        {"BD2", "reconstruction.1.bias"}};
  if (weights.find("LayerWeights") == nullptr) return weights;
  for (NamedTensor& entry : weights.tensors) {
    const auto found = names.find(entry.name);
    if (found != names.end()) {
      entry.name = found->second;
    } else if (entry.name == "LayerWeights") {
      const torch::Tensor shares = entry.tensor.to(torch::kFloat32) / entry.tensor.sum();
      entry = {"ensemble.weight", shares.view({1, -1, 1, 1}).contiguous()};
    }
  }
  return weights;
}

// DRCN (Kim, Lee and Lee, CVPR 2016): one convolution again and again; each of its results becomes an image, and their
// weighted sum is the result. The TensorFlow code joins the input to the features of each image and adds none.
Graph drcn_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t depth = config.whole("depth");
  const bool tensorflow = config.naming == kDrcnTensorflow;
  Graph g;
  if (tensorflow) g.bias_unit(kDrcnTensorflowRange);
  SharedLayers shared(g);
  const Value image = g.input(1);
  Value x = g.relu(g.conv("embedding.0", image, width));
  x = g.relu(g.conv("embedding.1", x, width));
  std::vector<Value> made;
  for (int64_t i = 0; i < depth; ++i) {
    x = g.relu(shared.conv("recursion", x, width));
    const Value features = g.relu(shared.conv("reconstruction.0", x, width));
    if (tensorflow) {
      made.push_back(g.relu(shared.conv("reconstruction.1", g.concat({features, image}), 1)));
    } else {
      made.push_back(shared.conv("reconstruction.1", features, 1) + image);
    }
    g.intermediate(fmt::format("recursion {}", i + 1), made.back(), 1, 1);
  }
  const Value result = g.conv("ensemble", g.concat(made), 1, {.side = 1, .bias = false});
  g.begin("ensemble.weight", {static_cast<float>(1.0 / static_cast<double>(depth))});
  g.output(result, 1);
  return g;
}

std::optional<Config> read_drcn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  Config config;
  if (shapes.has("LayerWeights") && shapes.has("W-1_conv.conv_W_1")) {
    config.naming = kDrcnTensorflow;
    config.set("width", static_cast<double>(shapes.size("W-1_conv.conv_W_1", 0)));
    config.set("depth", static_cast<double>(shapes.size("LayerWeights", 0)));
    return config;
  }
  if (!shapes.has("recursion.weight") || !shapes.has("ensemble.weight")) return std::nullopt;
  config.set("width", static_cast<double>(shapes.size("recursion.weight", 0)));
  config.set("depth", static_cast<double>(shapes.size("ensemble.weight", 1)));
  return config;
}

}  // namespace

Kind drcn() {
  Kind kind{"drcn", "DRCN (Kim et al. 2016)", read_drcn, drcn_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.renamed = renamed_drcn;
  kind.fields = {{"width", "channels", 256, 16, 256, 16}, {"depth", "recursions", 16, 1, 64}};
  kind.trainable_scales = {2, 3, 4};
  kind.supervision = Supervision::kFalling;
  return kind;
}

}  // namespace zsr::networks
