#include "networks/all_kinds.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

using nn::Value;

std::string dwsr_name(int64_t index, int64_t depth) {
  return fmt::format("conv_{:02}", index + 1 == depth ? 20 : index);
}

// TensorFlow's filters "<name>_w" [height, width, in, out] and biases "<name>_b".
WeightsFile renamed_dwsr(WeightsFile weights) {
  for (NamedTensor& entry : weights.tensors) {
    if (entry.name.ends_with("_w") && entry.tensor.dim() == 4) {
      entry = {entry.name.substr(0, entry.name.size() - 2) + ".weight",
               entry.tensor.permute({3, 2, 0, 1}).contiguous()};
    } else if (entry.name.ends_with("_b")) {
      entry.name = entry.name.substr(0, entry.name.size() - 2) + ".bias";
    }
  }
  return weights;
}

// The Haar bands in the order of DWSR's files, the difference of rows before that of columns; or back.
Value rows_first(nn::Graph& g, Value bands) {
  return g.concat({g.slice(bands, 0, 1), g.slice(bands, 2, 3), g.slice(bands, 1, 2), g.slice(bands, 3, 4)});
}

// DWSR (Guo, Mousavi, Vu and Monga, CVPRW 2017): finds what the Haar wavelet bands of the cubically enlarged luma lack.
nn::Graph dwsr_graph(const Config& config) {
  const int64_t depth = config.whole("depth");
  const int64_t width = config.whole("width");
  nn::Graph g;
  const Value bands = rows_first(g, g.haar(g.input(1)));
  Value x = g.relu(g.conv(dwsr_name(0, depth), bands, width, {.side = 5}));
  for (int64_t i = 1; i + 1 < depth; ++i) x = g.relu(g.conv(dwsr_name(i, depth), x, width));
  x = g.conv(dwsr_name(depth - 1, depth), x, 4) + bands;
  g.output(g.haar(rows_first(g, x), true), 1);
  return g;
}

std::optional<Config> read_dwsr(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const bool tensorflow = shapes.has("conv_00_w");
  const std::string suffix = tensorflow ? "_w" : ".weight";
  if (!shapes.has("conv_00" + suffix) || !shapes.has("conv_20" + suffix)) return std::nullopt;
  int64_t depth = 1;
  while (depth < 20 && shapes.has(dwsr_name(depth, 0) + suffix)) ++depth;
  Config config;
  config.set("width", static_cast<double>(shapes.size("conv_00" + suffix, tensorflow ? 3 : 0)));
  config.set("depth", static_cast<double>(depth + 1));
  return config;
}

}  // namespace

Kind dwsr() {
  Kind kind{"dwsr", "DWSR (Guo et al. 2017)", read_dwsr, dwsr_graph};
  kind.traits.channels = 1;
  kind.traits.takes_enlarged = true;
  kind.renamed = renamed_dwsr;
  kind.fields = {{"width", "channels", 64, 8, 256}, {"depth", "convolutions", 12, 3, 20}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
