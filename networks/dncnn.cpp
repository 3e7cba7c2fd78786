#include "networks/all_kinds.h"

#include <fmt/format.h>

namespace zsr::networks {
namespace {

using nn::Value;

std::string dncnn_layer_name(int64_t index) {
  return fmt::format("model.{}", 2 * index);
}

// The authors' layers "conv00", "conv01", ... under KAIR's names.
WeightsFile renamed_dncnn(WeightsFile weights) {
  for (NamedTensor& entry : weights.tensors) {
    const size_t dot = entry.name.find('.');
    if (!entry.name.starts_with("conv") || dot != 6) continue;
    const int64_t index = std::stoll(entry.name.substr(4, 2));
    entry.name = dncnn_layer_name(index) + entry.name.substr(dot);
  }
  return weights;
}

bool has_numbered_layers(const FileShapes& shapes) {
  return shapes.has("conv00.weight") && shapes.has("conv01.weight");
}

// DnCNN (Zhang, Zuo, Chen, Meng and Zhang, IEEE TIP 2017), batch normalisation merged: twenty convolutions find what is
// wrong with the cubically enlarged luma, for all scales at once.
nn::Graph dncnn_graph(const Config& config) {
  const int64_t depth = config.whole("depth");
  nn::Graph g;
  const Value image = g.input(1);
  Value x = image;
  for (int64_t i = 0; i + 1 < depth; ++i) x = g.relu(g.conv(dncnn_layer_name(i), x, config.whole("width")));
  g.output(g.conv(dncnn_layer_name(depth - 1), x, 1) * -1.0 + image, 1);
  return g;
}

std::optional<Config> read_dncnn(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const bool numbered = has_numbered_layers(shapes);
  const std::string first = numbered ? "conv00.weight" : "model.0.weight";
  int64_t depth = shapes.count("model.", ".weight", 0, 2);
  if (numbered) depth = static_cast<int64_t>(weights.tensors.size()) / 2;
  const std::string last = (numbered ? fmt::format("conv{:02}", depth - 1) : dncnn_layer_name(depth - 1)) + ".weight";
  const int64_t channels = shapes.size(first, 1);
  // Other networks of layers in a row enlarge: their last convolution makes more channels.
  if (depth < 3 || shapes.size(first, 2) != 3 || channels != 1 || shapes.size(last, 0) != channels) return std::nullopt;
  Config config;
  config.set("width", static_cast<double>(shapes.size(first, 0)));
  config.set("depth", static_cast<double>(depth));
  return config;
}

}  // namespace

Kind dncnn() {
  Kind kind{"dncnn", "DnCNN (Zhang et al. 2017)", read_dncnn, dncnn_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.renamed = renamed_dncnn;
  kind.fields = {{"width", "channels", 64, 16, 256, 16}, {"depth", "convolutions", 20, 3, 64}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
