#include "degradations/learned/generator.h"

#include "core/error.h"
#include "core/normal_field.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdlib>
#include <numbers>

namespace zsr {
namespace {

using nn::Graph;
using nn::Norm;
using nn::Value;

constexpr double kLeak = 0.2;
constexpr int64_t kBlock = 8;  // pixels of JPEG's blocks

// DSGAN (Fritsche, Gu and Timofte 2019), names of the authors' code.
Graph dsgan(const GeneratorShape& shape) {
  Graph g;
  const Value input = g.input(3 + shape.maps());
  Value x = g.prelu("block_input.1", g.conv("block_input.0", input, shape.width), 1);
  for (int64_t i = 0; i < shape.blocks; ++i) {
    const std::string name = fmt::format("res_blocks.{}.", i);
    const Value inner = g.prelu(name + "prelu", g.conv(name + "conv1", x, shape.width), 1);
    x = x + g.conv(name + "conv2", inner, shape.width);
  }
  x = g.conv("block_output", x, 3);
  g.output(shape.residual ? x + g.slice(input, 0, 3) : g.sigmoid(x), 1);
  return g;
}

Value high_to_low_block(Graph& g, const std::string& name, Value x, int64_t width) {
  const Value inner = g.relu(g.normalise(name + ".bn1", g.conv(name + ".conv1", x, width), Norm::kBatch));
  return x + g.normalise(name + ".bn2", g.conv(name + ".conv2", inner, width), Norm::kBatch);
}

// High-to-Low (Bulat, Yang and Tzimiropoulos 2018): halved again and again with residual blocks between, then doubled
// to the size wanted. The noise is added to the colours, weighted channel by channel.
Graph high_to_low(const GeneratorShape& shape) {
  const int64_t width = shape.width;
  Graph g;
  const Value input = g.input(3 + shape.maps());
  Value x = g.affine(g.slice(input, 0, 3), 2.0, -1.0);
  if (shape.maps() > 0) {
    x = x + g.conv("noise", g.slice(input, 3, 3 + shape.maps()), 3, {.side = 1, .bias = false});
  }
  x = g.relu(g.conv("head", x, width));
  for (int64_t i = 0; i < shape.halvings; ++i) {
    for (int64_t b = 0; b < shape.blocks; ++b) {
      x = high_to_low_block(g, fmt::format("down.{}.{}", i, b), x, width);
    }
    x = g.relu(g.normalise(fmt::format("down.{}.bn", i), x, Norm::kBatch));
    x = g.conv(fmt::format("down.{}.conv", i), x, width, {.stride = 2});
  }
  for (int64_t i = 0; i < shape.doublings; ++i) {
    for (int64_t b = 0; b < shape.blocks; ++b) {
      x = high_to_low_block(g, fmt::format("up.{}.{}", i, b), x, width);
    }
    x = g.shuffle(g.conv(fmt::format("up.{}.conv", i), x, 4 * width), 2);
  }
  g.output(g.affine(g.activation(nn::Curve::kTanh, g.conv("tail", x, 3)), 0.5, 0.5), 1);
  return g;
}

// CinCGAN's generators (Yuan et al. 2018; G3 with strides), as its ports have them: no biases, a leaky slope after
// every convolution, also the last.
Graph cincgan(const GeneratorShape& shape) {
  const int64_t width = shape.width;
  Graph g;
  const Value input = g.input(3 + shape.maps());
  const Value colors = g.affine(g.slice(input, 0, 3), 2.0, -1.0);
  const Value all = shape.maps() == 0 ? colors : g.concat({colors, g.slice(input, 3, 3 + shape.maps())});
  const auto conv = [&](const std::string& name, Value x, int64_t out, int64_t side, int64_t stride) {
    return g.leaky_relu(g.conv(name, x, out, {.side = side, .stride = stride, .bias = false}), kLeak);
  };
  Value x = conv("head.0", all, width, 7, 1);
  x = conv("head.1", x, width, 3, shape.halvings > 0 ? 2 : 1);
  x = conv("head.2", x, width, 3, shape.halvings > 1 ? 2 : 1);
  for (int64_t i = 0; i < shape.blocks; ++i) {
    const std::string name = fmt::format("body.{}.", i);
    Value inner = x;
    for (const char* const part : {"1", "2"}) {
      inner = g.conv(name + "conv" + part, inner, width, {.bias = false});
      inner = g.leaky_relu(g.normalise(name + "bn" + part, inner, Norm::kBatch), kLeak);
    }
    x = x + inner;
  }
  x = conv("tail.0", x, width, 3, 1);
  x = conv("tail.1", x, width, 3, 1);
  g.output(g.affine(conv("tail.2", x, 3, 7, 1), 0.5, 0.5), 1);
  return g;
}

int64_t count(const WeightsFile& weights, const std::string& prefix, const std::string& suffix) {
  int64_t n = 0;
  while (weights.find(fmt::format("{}{}{}", prefix, n, suffix)) != nullptr) ++n;
  return n;
}

int64_t remark(const WeightsFile& weights, const char* name, int64_t otherwise) {
  const auto found = weights.metadata.find(name);
  return found == weights.metadata.end() ? otherwise : std::atoll(found->second.c_str());
}

}  // namespace

const std::vector<std::string>& generator_names() {
  static const std::vector<std::string> names = {"dsgan", "high-to-low", "cincgan"};
  return names;
}

void GeneratorShape::validate() const {
  const auto& names = generator_names();
  if (std::find(names.begin(), names.end(), architecture) == names.end()) {
    throw OptionError(fmt::format("generator '{}' is not known; there are dsgan, high-to-low, cincgan", architecture));
  }
  const auto in = [](int64_t value, int64_t low, int64_t high, const char* what) {
    if (value < low || value > high) {
      throw OptionError(fmt::format("generator: {} = {}, must be {} to {}", what, value, low, high));
    }
  };
  in(width, 1, 512, "width");
  in(blocks, 1, 64, "blocks");
  in(noise, 0, 8, "noise maps");
  in(halvings, 0, architecture == "dsgan" ? 0 : architecture == "cincgan" ? 2 : 4, "halvings");
  in(doublings, 0, architecture == "high-to-low" ? halvings : 0, "doublings");
  if (residual && architecture != "dsgan") throw OptionError("generator: residual is for dsgan alone");
}

Graph generator_graph(const GeneratorShape& shape) {
  shape.validate();
  if (shape.architecture == "dsgan") return dsgan(shape);
  return shape.architecture == "cincgan" ? cincgan(shape) : high_to_low(shape);
}

std::optional<GeneratorShape> find_generator(const WeightsFile& weights) {
  GeneratorShape shape;
  shape.noise = remark(weights, "noise", 0);
  shape.grid = remark(weights, "grid", 0) != 0;
  shape.residual = remark(weights, "residual", 0) != 0;
  const auto width_of = [&](const char* name) {
    const torch::Tensor* const first = weights.find(name);
    return first == nullptr || first->dim() != 4 ? int64_t{0} : first->size(0);
  };
  if (weights.find("block_input.0.weight") != nullptr && weights.find("res_blocks.0.prelu.weight") != nullptr) {
    shape.width = width_of("block_input.0.weight");
    shape.blocks = count(weights, "res_blocks.", ".conv1.weight");
  } else if (weights.find("head.0.weight") != nullptr && weights.find("body.0.bn1.weight") != nullptr) {
    shape.architecture = "cincgan";
    shape.width = width_of("head.0.weight");
    shape.blocks = count(weights, "body.", ".conv1.weight");
    shape.halvings = remark(weights, "halvings", 0);
  } else if (weights.find("down.0.0.bn1.weight") != nullptr && weights.find("head.weight") != nullptr) {
    shape.architecture = "high-to-low";
    shape.width = width_of("head.weight");
    shape.blocks = count(weights, "down.0.", ".conv1.weight");
    shape.halvings = count(weights, "down.", ".bn.weight");
    shape.doublings = count(weights, "up.", ".conv.weight");
  } else {
    return std::nullopt;
  }
  return shape;
}

torch::Tensor with_maps(const torch::Tensor& image, int64_t noise, bool grid, uint64_t seed) {
  std::vector<torch::Tensor> parts = {image};
  const auto on_device = torch::TensorOptions().device(image.device());
  if (noise > 0) {
    torch::Tensor maps = torch::empty({image.size(0), noise, image.size(2), image.size(3)});
    fill_normal(seed, maps.data_ptr<float>(), maps.numel());
    parts.push_back(maps.to(image.device()));
  }
  if (grid) {
    const auto wave = [&](int64_t length, bool sine) {
      const torch::Tensor at = (torch::arange(length, on_device.dtype(torch::kFloat32)) + 0.5) *
                               (2.0 * std::numbers::pi / static_cast<double>(kBlock));
      return sine ? at.sin() : at.cos();
    };
    for (const bool along_y : {false, true}) {
      for (const bool sine : {false, true}) {
        const torch::Tensor line = wave(image.size(along_y ? 2 : 3), sine);
        parts.push_back((along_y ? line.view({1, 1, -1, 1}) : line.view({1, 1, 1, -1}))
                            .expand({image.size(0), 1, image.size(2), image.size(3)}));
      }
    }
  }
  return parts.size() == 1 ? image : torch::cat(parts, 1);
}

}  // namespace zsr
