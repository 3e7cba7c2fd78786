#include "networks/all_kinds.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

constexpr int64_t kSpanBlocks = 6;
constexpr double kSpanRange = 255.0;

// A convolution of the training form, 1x1, 3x3 and 1x1 in a row beside another 1x1, as one 3x3 convolution.
void merge_span_conv(const WeightsFile& weights, const std::string& name, std::vector<NamedTensor>& merged) {
  const FileShapes shapes(weights);
  const int64_t in = shapes.size(name + ".conv.0.weight", 1);
  const int64_t wide = shapes.size(name + ".conv.0.weight", 0);
  const int64_t wider = shapes.size(name + ".conv.1.weight", 0);
  const int64_t out = shapes.size(name + ".conv.2.weight", 0);
  const auto take = [&](const std::string& part, at::IntArrayRef shape) {
    return weights.take(name + part, shape).to(torch::kFloat64);
  };
  const torch::Tensor first = take(".conv.0.weight", {wide, in, 1, 1}).view({wide, in});
  const torch::Tensor second = take(".conv.1.weight", {wider, wide, 3, 3});
  const torch::Tensor third = take(".conv.2.weight", {out, wider, 1, 1}).view({out, wider});
  torch::Tensor weight = torch::einsum("op,pqyx,qi->oiyx", {third, second, first});
  weight.select(2, 1).select(2, 1) += take(".sk.weight", {out, in, 1, 1}).view({out, in});
  const torch::Tensor inner = second.sum({2, 3}).mv(take(".conv.0.bias", {wide})) + take(".conv.1.bias", {wider});
  const torch::Tensor bias = third.mv(inner) + take(".conv.2.bias", {out}) + take(".sk.bias", {out});
  merged.push_back({name + ".eval_conv.weight", weight.to(torch::kFloat32).contiguous()});
  merged.push_back({name + ".eval_conv.bias", bias.to(torch::kFloat32)});
}

// The training form has branches; what it says of their merged convolutions may be old.
WeightsFile merged_span(WeightsFile weights) {
  const std::string mark = ".sk.weight";
  std::vector<NamedTensor> merged;
  std::vector<std::string> names;
  for (const NamedTensor& entry : weights.tensors) {
    if (entry.name.ends_with(mark)) names.push_back(entry.name.substr(0, entry.name.size() - mark.size()));
  }
  if (names.empty()) return weights;
  for (const std::string& name : names) merge_span_conv(weights, name, merged);
  std::erase_if(weights.tensors, [&](const NamedTensor& entry) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return entry.name.starts_with(name + ".sk.") || entry.name.starts_with(name + ".conv.") ||
             entry.name.starts_with(name + ".eval_conv.");
    });
  });
  weights.tensors.insert(weights.tensors.end(), merged.begin(), merged.end());
  return weights;
}

// SPAN (Wan et al., CVPRW 2024), its branches merged: three convolutions a block, weighed by their own result without
// any parameter. What is joined at the end has the sixth block's first convolution after its activation.
Graph span_graph(const Config& config) {
  const int64_t width = config.whole("width");
  const int64_t scale = config.scales[0];
  Graph g;
  const auto conv = [&](const std::string& name, Value x) { return g.conv(name + ".eval_conv", x, width); };
  const auto silu = [&](Value x) { return g.activation(nn::Curve::kSilu, x); };
  const Value image = g.input(config.channels);
  const Value centred = config.whole("mean") != 0 ? subtract_mean(g, image) * kSpanRange : image;
  const Value first = conv("conv_1", centred);
  Value x = first;
  Value early = first;
  Value inner = first;
  for (int64_t b = 1; b <= kSpanBlocks; ++b) {
    const std::string name = fmt::format("block_{}.", b);
    inner = silu(conv(name + "c1_r", x));
    const Value made = conv(name + "c3_r", silu(conv(name + "c2_r", inner)));
    x = (made + x) * g.affine(g.sigmoid(made), 1.0, -0.5);
    if (b == 1) early = x;
  }
  x = g.conv("conv_cat", g.concat({first, conv("conv_2", x), early, inner}), width, {.side = 1});
  g.output(g.shuffle(g.conv("upsampler.0", x, config.channels * scale * scale), scale), scale);
  return g;
}

std::optional<Config> read_span(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const bool branched = shapes.has("block_1.c1_r.sk.weight");
  const std::string first = branched ? "conv_1.sk" : "conv_1.eval_conv";
  if (!shapes.has(first + ".weight") || !shapes.has("conv_cat.weight")) return std::nullopt;
  Config config;
  config.channels = shapes.photo_channels(first);
  config.scales = {shapes.shuffle_factor("upsampler.0", config.channels)};
  config.set("width", static_cast<double>(shapes.size(first + ".weight", 0)));
  config.set("mean", shapes.remark("mean", shapes.has("no_norm") ? 0.0 : 1.0));
  return config;
}

}  // namespace

Kind span() {
  Kind kind{"span", "SPAN (Wan et al. 2024)", read_span, span_graph};
  kind.fields = {{"width", "channels", 48, 4, 256},
                 {"mean", "1: colours around their mean, times 255; 0: from 0 to 1", 1, 0, 1}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"no_norm"};
  kind.renamed = merged_span;
  return kind;
}

}  // namespace zsr::networks
