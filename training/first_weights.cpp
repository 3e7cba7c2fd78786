#include "training/first_weights.h"

#include "core/error.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::training {
namespace {

using nn::Graph;
using nn::Node;
using nn::Parameter;

const Parameter& parameter(const Graph& graph, const Node& node, size_t index) {
  return graph.parameters()[static_cast<size_t>(node.parameters[index])];
}

torch::Tensor view(const torch::Tensor& values, const Parameter& parameter) {
  return values.narrow(0, parameter.offset, parameter.count()).view(parameter.shape);
}

// Indices of the nodes that convolve, in order.
std::vector<size_t> convolutions(const Graph& graph) {
  std::vector<size_t> all;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (std::holds_alternative<nn::Convolution>(graph.nodes()[i].operation)) all.push_back(i);
  }
  return all;
}

// The factor of the pixel shuffle behind a node; 0 where there is none.
int64_t shuffle_after(const Graph& graph, size_t index) {
  for (const Node& node : graph.nodes()) {
    const auto* const shuffle = std::get_if<nn::PixelShuffle>(&node.operation);
    if (shuffle != nullptr && node.inputs[0] == static_cast<int32_t>(index)) return shuffle->factor;
  }
  return 0;
}

// Where sub-pixel `part` of `scale` stands against the middle of its pixel, in pixels.
double offset_of(int64_t part, int64_t scale) {
  return (static_cast<double>(part) + 0.5) / static_cast<double>(scale) - 0.5;
}

// Bilinear interpolation as a convolution in front of a pixel shuffle: [channels scale^2, channels, 3, 3].
torch::Tensor bilinear_shuffle(int64_t channels, int64_t scale) {
  torch::Tensor weight = torch::zeros({channels * scale * scale, channels, 3, 3});
  const auto along = [&](int64_t part) {
    const double offset = offset_of(part, scale);
    return torch::tensor({std::max(0.0, -offset), 1.0 - std::abs(offset), std::max(0.0, offset)});
  };
  for (int64_t at = 0; at < weight.size(0); ++at) {
    weight[at][at / (scale * scale)].copy_(torch::outer(along(at / scale % scale), along(at % scale)));
  }
  return weight;
}

// What stands in front of a pixel shuffle by `from` ([channels from^2, ...], weight or bias), for one by `to`: linear
// between the sub-pixels, and beyond them.
torch::Tensor resampled_shuffle(const torch::Tensor& values, int64_t from, int64_t to) {
  torch::Tensor mix = torch::zeros({to, from});
  for (int64_t part = 0; part < to; ++part) {
    const double place = (offset_of(part, to) + 0.5) * static_cast<double>(from) - 0.5;
    const int64_t before = std::clamp<int64_t>(static_cast<int64_t>(std::floor(place)), 0, from - 2);
    mix[part][before] = 1.0 - (place - static_cast<double>(before));
    mix[part][before + 1] = place - static_cast<double>(before);
  }
  const int64_t channels = values.size(0) / (from * from);
  const torch::Tensor parts = values.reshape({channels, from, from, -1});
  const torch::Tensor rows = torch::einsum("tf,cfxr->ctxr", {mix, parts});
  std::vector<int64_t> sizes = values.sizes().vec();
  sizes[0] = channels * to * to;
  return torch::einsum("tf,cyfr->cytr", {mix, rows}).reshape(sizes);
}

// What of the file's convolution of that name can be used although its shape is another; false when nothing can.
bool take_similar(const Graph& graph, size_t index, bool first, const WeightsFile& file, torch::Tensor& values) {
  const Node& node = graph.nodes()[index];
  const Parameter& own = parameter(graph, node, 0);
  const Parameter* const own_bias = node.parameters.size() > 1 ? &parameter(graph, node, 1) : nullptr;
  torch::Tensor weight = view(values, own);
  const torch::Tensor* const found = file.find(own.name);
  const int64_t shuffle = shuffle_after(graph, index);
  if (found == nullptr) {
    // The second of x4's two shuffles, where the file has one: it begins by enlarging what comes in.
    if (shuffle > 0 && weight.size(0) == weight.size(1) * shuffle * shuffle && weight.size(2) == 3) {
      weight.copy_(bilinear_shuffle(weight.size(1), shuffle));
    }
    return false;
  }
  if (found->dim() != 4 || found->size(2) != weight.size(2) || found->size(3) != weight.size(3)) return false;
  const torch::Tensor* const found_bias = own_bias == nullptr ? nullptr : file.find(own_bias->name);
  // A first convolution that sees only the colours: the condition begins without effect.
  if (first && found->size(0) == weight.size(0) && found->size(1) == 3 && weight.size(1) > 3) {
    weight.zero_();
    weight.slice(1, 0, 3).copy_(*found);
    if (found_bias != nullptr) {
      view(values, *own_bias).copy_(file.take(own_bias->name, own_bias->shape) / own_bias->file_unit);
    }
    return true;
  }
  // In front of a shuffle by another factor.
  for (int64_t from = 2; shuffle > 0 && from <= 4; ++from) {
    if (found->size(1) != weight.size(1) || found->size(0) * shuffle * shuffle != weight.size(0) * from * from) {
      continue;
    }
    weight.copy_(resampled_shuffle(found->to(torch::kFloat32), from, shuffle));
    if (found_bias != nullptr && found_bias->size(0) == found->size(0)) {
      const torch::Tensor bias = resampled_shuffle(found_bias->to(torch::kFloat32), from, shuffle);
      view(values, *own_bias).copy_(bias / own_bias->file_unit);
    }
    return true;
  }
  return false;
}

void rename(WeightsFile& file, const std::string& from, const std::string& to) {
  for (NamedTensor& entry : file.tensors) {
    for (const char* const part : {".weight", ".bias"}) {
      if (entry.name == from + part) entry.name = to + part;
    }
  }
}

void add(WeightsFile& file, const std::string& name, const torch::Tensor& weight) {
  file.tensors.push_back({name + ".weight", weight});
  file.tensors.push_back({name + ".bias", torch::zeros({weight.size(0)})});
}

void refuse_deeper(const WeightsFile& file, int64_t own, int64_t depth, const char* what) {
  if (own > depth) {
    throw InputError(
        fmt::format("'{}' has {} {}, not {}: give --depth {} or more", file.origin, own, what, depth, own));
  }
}

// A residual block whose second convolution gives nothing adds nothing.
WeightsFile with_more_blocks(WeightsFile file, int64_t depth) {
  const auto second = [](int64_t block) { return fmt::format("body.{}.body.2", block); };
  int64_t blocks = 0;
  while (file.find(second(blocks) + ".weight") != nullptr) ++blocks;
  refuse_deeper(file, blocks, depth, "residual blocks");
  if (blocks == 0 || blocks == depth) return file;
  const torch::Tensor nothing = torch::zeros_like(*file.find(second(0) + ".weight"), torch::kFloat32);
  rename(file, fmt::format("body.{}", blocks), fmt::format("body.{}", depth));
  for (int64_t block = blocks; block < depth; ++block) add(file, second(block), nothing);
  return file;
}

// What comes out of a ReLU is not negative, so that another one behind the identity lets all of it pass.
WeightsFile with_more_convolutions(WeightsFile file, int64_t depth) {
  const auto convolution = [](int64_t place) { return fmt::format("model.{}", 2 * place); };
  int64_t length = 0;
  while (file.find(convolution(length) + ".weight") != nullptr) ++length;
  refuse_deeper(file, length, depth, "convolutions");
  if (length < 2 || length == depth) return file;
  const int64_t width = file.find(convolution(length - 1) + ".weight")->size(1);
  torch::Tensor identity = torch::zeros({width, width, 3, 3});
  for (int64_t channel = 0; channel < width; ++channel) identity[channel][channel][1][1] = 1.0;
  rename(file, convolution(length - 1), convolution(depth - 1));
  for (int64_t place = length - 1; place + 1 < depth; ++place) add(file, convolution(place), identity);
  return file;
}

}  // namespace

bool is_plain_chain(const Graph& graph) {
  return std::all_of(graph.nodes().begin(), graph.nodes().end(), [](const Node& node) {
    const auto* const conv = std::get_if<nn::Convolution>(&node.operation);
    const auto* const activation = std::get_if<nn::Activation>(&node.operation);
    return std::holds_alternative<nn::Input>(node.operation) ||
           std::holds_alternative<nn::PixelShuffle>(node.operation) ||
           (conv != nullptr && conv->side == 3 && conv->stride == 1) ||
           (activation != nullptr && activation->curve == nn::Curve::kRelu);
  });
}

// The first three channels hand the colours on (they are never negative, so ReLU lets them pass), the others hand their
// own on with a random mixture.
void begin_as_bilinear(const Graph& graph, torch::Tensor& values, int64_t scale) {
  constexpr int64_t kColors = 3;
  constexpr double kMixture = 0.3;
  const std::vector<size_t> all = convolutions(graph);
  for (size_t i = 0; i + 1 < all.size(); ++i) {
    torch::Tensor weight = view(values, parameter(graph, graph.nodes()[all[i]], 0));
    weight.slice(0, 0, kColors).zero_();
    const int64_t same = i == 0 ? kColors : weight.size(0);
    if (i > 0) weight.mul_(kMixture);
    for (int64_t k = 0; k < same; ++k) weight[k][k][1][1] += 1.0;
  }
  torch::Tensor last = view(values, parameter(graph, graph.nodes()[all.back()], 0));
  last.slice(1, 0, kColors).copy_(bilinear_shuffle(kColors, scale));
}

void take_shared(const Graph& graph, const WeightsFile& file, torch::Tensor& values) {
  size_t taken = 0;
  std::vector<char> done(graph.parameters().size(), 0);
  const std::vector<size_t> all = convolutions(graph);
  for (size_t i = 0; i < all.size(); ++i) {
    const Node& node = graph.nodes()[all[i]];
    const Parameter& weight = parameter(graph, node, 0);
    const torch::Tensor* const found = file.find(weight.name);
    if (found != nullptr && found->sizes() == at::IntArrayRef(weight.shape)) {
      ++taken;
      continue;  // below
    }
    if (take_similar(graph, all[i], i == 0, file, values)) {
      ++taken;
      for (const int32_t index : node.parameters) done[static_cast<size_t>(index)] = 1;
    }
  }
  for (size_t i = 0; i < done.size(); ++i) {
    const Parameter& own = graph.parameters()[i];
    const torch::Tensor* const found = file.find(own.name);
    if (done[i] || found == nullptr || found->sizes() != at::IntArrayRef(own.shape)) continue;
    view(values, own).copy_(file.take(own.name, own.shape) / own.file_unit);
  }
  if (taken == 0) {
    throw InputError(fmt::format("'{}' shares no convolution with this network", file.origin));
  }
}

WeightsFile extended_to_depth(WeightsFile file, int64_t depth) {
  return file.find("model.0.weight") != nullptr ? with_more_convolutions(std::move(file), depth)
                                                : with_more_blocks(std::move(file), depth);
}

}  // namespace zsr::training
