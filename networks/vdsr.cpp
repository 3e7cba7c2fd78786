#include "networks/all_kinds.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

// J. Park's PyTorch code (twtygqyy).
std::string vdsr_layer_name(int64_t index, int64_t count) {
  if (index == 0) return "input";
  return index + 1 == count ? "output" : fmt::format("residual_layer.{}.conv", index - 1);
}

bool has_cells(const FileShapes& shapes) {
  return shapes.has("model.weight{1}") && shapes.has("model.weight{20}");
}

// The authors' MatConvNet file: cells of filters [3, 3, in, out] and biases [out, 1], a last dimension of 1 left out.
WeightsFile renamed(WeightsFile weights) {
  const FileShapes shapes(weights);
  if (!has_cells(shapes)) return weights;
  const int64_t count = shapes.count("model.weight{", "}", 1);
  for (NamedTensor& entry : weights.tensors) {
    for (int64_t i = 0; i < count; ++i) {
      if (entry.name == fmt::format("model.weight{{{}}}", i + 1)) {
        const torch::Tensor filters = entry.tensor.dim() == 3 ? entry.tensor.unsqueeze(3) : entry.tensor;
        if (filters.dim() != 4) continue;
        entry = {vdsr_layer_name(i, count) + ".weight", filters.permute({3, 2, 0, 1}).contiguous()};
      } else if (entry.name == fmt::format("model.bias{{{}}}", i + 1)) {
        entry = {vdsr_layer_name(i, count) + ".bias", entry.tensor.reshape({-1})};
      }
    }
  }
  return weights;
}

// VDSR (Kim, Lee and Lee, CVPR 2016): twenty convolutions find what the cubically enlarged luma lacks.
nn::Graph vdsr_graph(const Config& config) {
  const int64_t count = config.whole("depth");
  const bool bias = config.whole("bias") != 0;
  nn::Graph g;
  const nn::Value image = g.input(1);
  nn::Value x = image;
  for (int64_t i = 0; i + 1 < count; ++i)
    x = g.relu(g.conv(vdsr_layer_name(i, count), x, config.whole("width"), {.bias = bias}));
  g.output(g.conv(vdsr_layer_name(count - 1, count), x, 1, {.bias = bias}) + image, 1);
  return g;
}

std::optional<Config> read_vdsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const bool cells = has_cells(shapes);
  if (!cells && (!shapes.has("input.weight") || !shapes.has("residual_layer.0.conv.weight"))) return std::nullopt;
  Config config;
  const int64_t count =
      cells ? shapes.count("model.weight{", "}", 1) : shapes.count("residual_layer.", ".conv.weight") + 2;
  config.set("width", static_cast<double>(cells ? shapes.size("model.weight{1}", 3) : shapes.size("input.weight", 0)));
  config.set("depth", static_cast<double>(count));
  // One bias says that all belong to it: a file that lost some is refused.
  const bool bias = std::any_of(weights.tensors.begin(), weights.tensors.end(),
                                [](const NamedTensor& entry) { return entry.name.ends_with(".bias"); });
  config.set("bias", cells || bias ? 1.0 : 0.0);
  return config;
}

}  // namespace

Kind vdsr() {
  Kind kind{"vdsr", "VDSR (Kim et al. 2016)", read_vdsr, vdsr_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.renamed = renamed;
  kind.fields = {{"width", "channels", 64, 16, 256, 16},
                 {"depth", "convolutions", 20, 3, 64},
                 {"bias", "1: convolutions have biases", 1, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
