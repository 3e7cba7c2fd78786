#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/kernel_code.h"
#include "networks/self_attention.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <map>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

constexpr double kIkcSlope = 0.2;

// The authors' corrector looks at the image as it would be saved.
Value within_colors(Graph& g, Value x) {
  return g.custom(
      {"colours in range", [](const std::vector<Shape>& in) { return in[0]; },
       [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) { return in[0].clamp(0.0, 1.0); },
       0},
      {x});
}

// The three networks of IKC, each used several times.
class IkcLayers {
 public:
  IkcLayers(Graph& graph, const Config& config)
      : g_(graph),
        shared_(graph),
        width_(config.whole("width")),
        depth_(config.whole("depth")),
        code_(config.whole("code")),
        scale_(config.scales[0]),
        channels_(config.channels) {}

  // What blurred the photo, at first sight.
  Value predicted(Value image) {
    Value x = image;
    for (int64_t i = 0; i < 6; ++i) {
      x = leaky(shared_.conv(fmt::format("Predictor.ConvNet.{}", 2 * i), x, i == 5 ? code_ : width_,
                             {.side = 5, .stride = i == 3 ? 2 : 1}));
    }
    return g_.pool(x, nn::Pooling::kMean);
  }

  // The code by what its result looks like.
  Value corrected(Value made, Value code) {
    const std::string name = "Corrector.";
    Value x = within_colors(g_, made);
    for (int64_t i = 0; i < 7; ++i) {
      x = leaky(shared_.conv(fmt::format("{}ConvNet.{}", name, 2 * i), x, width_,
                             {.side = 5, .stride = i == 1 || i == 3 ? 2 : 1}));
    }
    Value known = leaky(pixel(name + "code_dense.0", code, width_));
    known = leaky(pixel(name + "code_dense.2", known, width_));
    x = leaky(pixel(name + "global_dense.0", g_.concat({x, spread(g_, known, x)}), 2 * width_));
    x = leaky(pixel(name + "global_dense.2", x, width_));
    return code + g_.pool(pixel(name + "global_dense.4", x, code_), nn::Pooling::kMean);
  }

  // SFTMD: the photo enlarged for a code.
  Value enlarged(Value image, Value code) {
    const std::string name = "SFTMD.";
    const Value map = spread(g_, code, image);
    const Value first = leaky(conv(name + "conv1", image, width_));
    const Value start = conv(name + "conv3", leaky(conv(name + "conv2", first, width_)), width_);
    Value x = start;
    for (int64_t i = 1; i <= depth_; ++i) x = block(fmt::format("{}SFT-residual{}.", name, i), x, map);
    x = conv(name + "conv_mid", transformed(name + "sft.", x + start, map), width_);
    int64_t place = 0;
    for (int64_t left = scale_; left > 1; place += 3) {
      const int64_t factor = left == 4 ? 2 : left;
      const Value pixels = conv(fmt::format("{}upscale.{}", name, place), x, factor * factor * width_);
      x = leaky(g_.shuffle(pixels, factor));
      left /= factor;
    }
    return shared_.conv(name + "conv_output", x, channels_, {.side = 9});
  }

 private:
  Value leaky(Value x) { return g_.leaky_relu(x, kIkcSlope); }
  Value conv(const std::string& name, Value x, int64_t out) { return shared_.conv(name, x, out); }
  Value pixel(const std::string& name, Value x, int64_t out) { return shared_.conv(name, x, out, {.side = 1}); }
  // Spatial feature transform: a factor and an addend for every value, from features and code.
  Value transformed(const std::string& name, Value x, Value map) {
    const Value both = g_.concat({x, map});
    const Value factor = conv(name + "mul_conv2", leaky(conv(name + "mul_conv1", both, width_ / 2)), width_);
    const Value addend = conv(name + "add_conv2", leaky(conv(name + "add_conv1", both, width_ / 2)), width_);
    return x * g_.sigmoid(factor) + addend;
  }
  Value block(const std::string& name, Value x, Value map) {
    const Value inner = conv(name + "conv1", g_.relu(transformed(name + "sft1.", x, map)), width_);
    return x + conv(name + "conv2", g_.relu(transformed(name + "sft2.", inner, map)), width_);
  }

  Graph& g_;
  SharedLayers shared_;
  int64_t width_;
  int64_t depth_;
  int64_t code_;
  int64_t scale_;
  int64_t channels_;
};

// IKC (Gu, Lu, Zuo and Dong, CVPR 2019): a first code of the blur kernel, then results and corrections of the code by
// turns.
Graph ikc_graph(const Config& config) {
  Graph g;
  IkcLayers layers(g, config);
  const Value image = g.input(config.channels);
  Value code = layers.predicted(image);
  Value made = layers.enlarged(image, code);
  for (int64_t i = 1; i < config.whole("iterations"); ++i) {
    code = layers.corrected(made, code);
    made = layers.enlarged(image, code);
  }
  g.output(made, config.scales[0]);
  return g;
}

WeightsFile renamed_ikc(WeightsFile weights) {
  return with_linear_layers(std::move(weights), {"Corrector.code_dense.0.weight", "Corrector.code_dense.2.weight"});
}

std::optional<Config> read_ikc(const WeightsFile& weights) {
  constexpr double kPublishedIterations = 7.0;
  const FileShapes shapes(weights);
  if (!shapes.has("SFTMD.conv1.weight") || !shapes.has("Predictor.ConvNet.10.weight") ||
      !shapes.has("Corrector.ConvNet.0.weight")) {
    return std::nullopt;
  }
  Config config;
  const int64_t width = shapes.size("SFTMD.conv1.weight", 0);
  config.channels = shapes.photo_channels("SFTMD.conv1");
  config.scales = {shapes.shuffle_factor("SFTMD.upscale.0", width)};
  if (shapes.has("SFTMD.upscale.3.weight")) config.scales[0] *= shapes.shuffle_factor("SFTMD.upscale.3", width);
  config.set("width", static_cast<double>(width));
  config.set("depth", static_cast<double>(shapes.count("SFTMD.SFT-residual", ".conv1.weight", 1)));
  config.set("code", static_cast<double>(shapes.size("Predictor.ConvNet.10.weight", 0)));
  config.set("iterations", shapes.remark("iterations", kPublishedIterations));
  return config;
}

// IKC is published as three files, one for each of its networks.
std::string part_of_ikc(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (shapes.has("SFT-residual1.sft1.mul_conv1.weight")) return "SFTMD";
  if (shapes.has("global_dense.4.weight") && shapes.has("code_dense.0.weight")) return "Corrector";
  const bool predictor = shapes.size("ConvNet.0.weight", 2) == 5 && shapes.has("ConvNet.10.weight");
  return predictor && !shapes.has("ConvNet.12.weight") ? "Predictor" : "";
}

WeightsFile join_ikc(const std::vector<WeightsFile>& files) {
  WeightsFile joined;
  std::map<std::string, std::string> from;
  for (const WeightsFile& file : files) {
    const std::string part = part_of_ikc(file);
    if (part.empty()) throw InputError(fmt::format("'{}' holds none of IKC's three networks", file.origin));
    const auto [place, is_new] = from.emplace(part, file.origin);
    if (!is_new) throw InputError(fmt::format("'{}' and '{}' both hold IKC's {}", place->second, file.origin, part));
    for (const NamedTensor& entry : file.tensors) joined.tensors.push_back({part + "." + entry.name, entry.tensor});
    joined.origin += (joined.origin.empty() ? "" : ", ") + file.origin;
    joined.format = file.format;
  }
  for (const char* const part : {"SFTMD", "Predictor", "Corrector"}) {
    if (from.count(part) == 0) throw InputError(fmt::format("'{}' lack IKC's {}", joined.origin, part));
  }
  return joined;
}

}  // namespace

Kind ikc() {
  Kind kind{"ikc", "IKC (Gu et al. 2019)", read_ikc, ikc_graph};
  kind.renamed = renamed_ikc;
  kind.part_of = part_of_ikc;
  kind.joined = join_ikc;
  kind.ignored = {"SFTMD.sft_branch."};
  kind.fields = {{"width", "channels", 64, 8, 256, 2},
                 {"depth", "blocks of SFTMD", 16, 1, 64},
                 {"code", "numbers that stand for a kernel", 10, 1, 64},
                 {"iterations", "results made, each after a correction of the code but for the first", 7, 2, 32}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
