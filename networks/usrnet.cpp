#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/data_step.h"
#include "networks/periodic.h"
#include "networks/placed.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <map>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;
using Tensors = std::vector<torch::Tensor>;
using Shapes = std::vector<Shape>;

constexpr size_t kLevels = 3;    // of the prior's U
constexpr int64_t kWhole = 8;    // its sides must be multiples of
constexpr int64_t kMargin = 24;  // LR pixels around the photo, at least: the data step has periodic boundaries

std::string place(const char* part, size_t level) {
  return fmt::format("{}{}", part, level + 1);
}

// The prior: a U of residual blocks on the image and a map of its noise level. It is used in every iteration with the
// same weights.
class Prior {
 public:
  Prior(Graph& graph, const Config& config) : g_(graph), config_(config), blocks_(config.whole("blocks")) {}

  Value operator()(Value image) {
    std::array<Value, kLevels + 1> seen{conv("p.m_head", image, width(0), kPlain)};
    for (size_t level = 0; level < kLevels; ++level) {
      const std::string part = place("p.m_down", level);
      const Value x = residual_blocks(seen[level], part, 0, width(level));
      seen[level + 1] = conv(fmt::format("{}.{}", part, blocks_), x, width(level + 1),
                             {.side = 2, .stride = 2, .padding = 0, .bias = false});
    }
    Value x = residual_blocks(seen[kLevels], "p.m_body", 0, width(kLevels));
    for (size_t level = kLevels; level-- > 0;) {
      const std::string part = place("p.m_up", level);
      x = transposed_conv(part + ".0", x + seen[level + 1], width(level));
      x = residual_blocks(x, part, 1, width(level));
    }
    x = conv("p.m_tail", x + seen[0], 3, kPlain);
    // Small, so that an untrained network begins as the data steps alone.
    constexpr double kCorrection = 0.05;
    return config_.whole("residual") != 0 ? x * kCorrection + g_.slice(image, 0, 3) : x;
  }

 private:
  static constexpr Graph::ConvOptions kPlain{.bias = false};

  int64_t width(size_t level) const { return config_.whole(place("width", level)); }

  Value conv(const std::string& name, Value x, int64_t out, Graph::ConvOptions options) {
    const auto found = made_.find(name);
    if (found != made_.end()) return g_.conv_like(found->second, x);
    return made_[name] = g_.conv(name, x, out, options);
  }

  Value transposed_conv(const std::string& name, Value x, int64_t out) {
    const auto found = made_.find(name);
    if (found != made_.end()) return g_.conv_like(found->second, x);
    return made_[name] = g_.transposed_conv(name, x, out, {.side = 2, .stride = 2, .padding = 0, .bias = false});
  }

  // Residual blocks `first`, first + 1, ... of a part, without normalisation.
  Value residual_blocks(Value x, const std::string& part, int64_t first, int64_t out) {
    for (int64_t i = first; i < first + blocks_; ++i) {
      const std::string name = fmt::format("{}.{}.res", part, i);
      x = x + conv(name + ".2", g_.relu(conv(name + ".0", x, out, kPlain)), out, kPlain);
    }
    return x;
  }

  Graph& g_;
  const Config& config_;
  int64_t blocks_;
  std::map<std::string, Value> made_;  // the first convolution of each name
};

// Strengths of both steps in every iteration, from noise level and scale.
Value step_strengths(Graph& g, const Config& config, Value noise_and_scale) {
  constexpr double kLeast = 1e-6;
  const int64_t hidden = config.whole("hidden");
  const Graph::ConvOptions pixel{.side = 1};
  Value x = g.relu(g.conv("h.mlp.0", noise_and_scale, hidden, pixel));
  x = g.relu(g.conv("h.mlp.2", x, hidden, pixel));
  x = g.conv("h.mlp.4", x, 2 * config.whole("iterations"), pixel);
  return g.affine(g.activation(nn::Curve::kSoftplus, x), 1.0, kLeast);
}

// What the U needs: sides that are multiples of kWhole, continued by the edge pixels; and the cut back.
Value padded_to_whole(Graph& g, Value x) {
  const auto missing = [](int64_t length) { return (kWhole - length % kWhole) % kWhole; };
  return g.custom(
      {"pad to whole tiles",
       [=](const Shapes& in) {
         return Shape{in[0].channels, in[0].height + missing(in[0].height), in[0].width + missing(in[0].width)};
       },
       [=](const Tensors& in, const Tensors& /*none*/) {
         const torch::Tensor& image = in[0];
         return torch::replication_pad2d(image, {0, missing(image.size(3)), 0, missing(image.size(2))});
       }},
      {x});
}

// One number as a map of the size of `other`.
Value map_like(Graph& g, Value number, Value other) {
  return g.custom({"constant map",
                   [](const Shapes& in) {
                     return Shape{in[0].channels, in[1].height, in[1].width};
                   },
                   [](const Tensors& in, const Tensors& /*none*/) {
                     return in[0].expand({-1, -1, in[1].size(2), in[1].size(3)});
                   }},
                  {number, other});
}

// The data step (networks/data_step.h) and what of it is the same in all iterations; spectra are complex.
struct DataStep {
  DataStep(Graph& graph, Value photo, Value kernel, int64_t scale) : g(graph), s(scale) {
    const int64_t factor = scale;
    transfer = g.custom({"transfer function",
                         [=](const Shapes& in) {
                           return Shape{1, in[1].height * factor, in[1].width * factor};
                         },
                         [=](const Tensors& in, const Tensors& /*none*/) {
                           return transfer_function(in[0], {in[1].size(2) * factor, in[1].size(3) * factor});
                         }},
                        {kernel, photo});
    back = g.custom({"spectrum back",
                     [](const Shapes& in) {
                       return Shape{in[0].channels, in[1].height, in[1].width};
                     },
                     [=](const Tensors& in, const Tensors& /*none*/) { return spectrum_back(in[0], in[1], factor); }},
                    {photo, transfer});
  }

  Value operator()(Value z, Value alpha) const {
    return g.custom({"data step", [](const Shapes& in) { return in[0]; },
                     [factor = s](const Tensors& in, const Tensors& /*none*/) {
                       return data_step(in[0], in[1], in[2], in[3], factor);
                     },
                     -1},
                    {z, transfer, back, alpha});
  }

  Graph& g;
  int64_t s;
  Value transfer{};
  Value back{};
};

// USRNet (Zhang, Van Gool and Timofte, CVPR 2020): for any kernel, scale and noise; alternates an exact step for the
// data with a U-shaped denoiser, strengths of both given by a small network from noise and scale. Inputs: the photo;
// its kernel [N, 1, k, k']; noise (in [0, 1] units) and scale [N, 2, 1, 1].
Graph usrnet_graph(const Config& config) {
  const int64_t iterations = config.whole("iterations");
  Graph g;
  const Value photo = g.input(3);
  const Value kernel = g.input(1);
  const Value strengths = step_strengths(g, config, g.pool(g.input(2), nn::Pooling::kMean));
  Prior prior(g, config);
  for (const int64_t scale : config.scales) {
    const DataStep explain(g, photo, kernel, scale);
    Value x = g.nearest(photo, scale);
    for (int64_t i = 0; i < iterations; ++i) {
      x = explain(x, g.slice(strengths, i, i + 1));
      const Value level = map_like(g, g.slice(strengths, iterations + i, iterations + i + 1), x);
      x = g.cut_to(prior(padded_to_whole(g, g.concat({x, level}))), x, 1);
    }
    g.output(x, scale);
  }
  return g;
}

std::optional<Config> read_usrnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("p.m_head.weight") || !shapes.has("h.mlp.0.weight")) return std::nullopt;
  Config config;
  config.scales = {1, 2, 3, 4};
  const int64_t blocks = shapes.count("p.m_body.", ".res.0.weight");
  config.set("blocks", static_cast<double>(blocks));
  config.set("width1", static_cast<double>(shapes.size("p.m_head.weight", 0)));
  for (size_t level = 0; level < kLevels; ++level) {
    const std::string strided = fmt::format("{}.{}.weight", place("p.m_down", level), blocks);
    config.set(place("width", level + 1), static_cast<double>(shapes.size(strided, 0)));
  }
  config.set("hidden", static_cast<double>(shapes.size("h.mlp.0.weight", 0)));
  config.set("iterations", static_cast<double>(shapes.size("h.mlp.4.weight", 0) / 2));
  config.set("residual", shapes.remark("residual", 0.0));
  return config;
}

// USRNet on photos, which do not continue periodically.
class Usrnet : public Network {
 public:
  Usrnet(const Config& config, const WeightsFile& weights)
      : Network({}), model_(usrnet_graph(config)), parameters_(nn::take_parameters(model_.graph(), weights, "USRNet")) {
    traits_.takes_kernel = true;
    traits_.reach = Traits::kWholePhoto;
    traits_.condition = Condition::kKernel;
  }

  torch::Tensor forward(const Input& input) const override {
    if (!input.kernel) throw OptionError("USRNet needs the photo's kernel");
    const torch::Device device = input.image.device();
    const int64_t s = input.scale;
    const int64_t height = input.image.size(2);
    const int64_t width = input.image.size(3);
    // As far as the kernel reaches, and again.
    const int64_t reach = std::max(input.kernel->height(), input.kernel->width()) / s + 1;
    const auto margin = [&](int64_t length) {
      return input.circular ? Margin{} : mirrored_margin(length, std::max(kMargin, reach));
    };
    const Margin rows = margin(height);
    const Margin columns = margin(width);
    torch::Tensor y = input.image.to(torch::kCPU);
    if (!input.circular) {
      y = seamless(torch::reflection_pad2d(y, {columns.begin, columns.end, rows.begin, rows.end}), rows, columns);
    }
    const torch::Tensor kernel =
        input.kernel->weights().to(torch::kFloat32).view({1, 1, input.kernel->height(), input.kernel->width()});
    const auto known = torch::tensor({static_cast<float>(input.noise), static_cast<float>(s)}).view({1, 2, 1, 1});
    const torch::Tensor x =
        model_.forward({y.to(device), kernel.to(device), known.to(device)}, parameters_.on(device), s);
    return x.narrow(2, rows.begin * s, height * s).narrow(3, columns.begin * s, width * s);
  }

 private:
  nn::Model model_;
  Placed parameters_;
};

}  // namespace

Kind usrnet() {
  Kind kind{"usrnet", "USRNet (Zhang et al. 2020)", read_usrnet, usrnet_graph};
  kind.traits.takes_kernel = true;
  kind.traits.condition = Condition::kKernel;
  kind.fields = {{"blocks", "residual blocks of each part", 2, 1, 16},
                 {"width1", "channels at full size", 64, 8, 512, 4},
                 {"width2", "at half", 128, 8, 512, 4},
                 {"width3", "at a quarter", 256, 8, 512, 4},
                 {"width4", "at an eighth", 512, 8, 1024, 4},
                 {"hidden", "channels of the network that sets the strengths", 64, 4, 512},
                 {"iterations", "data and prior steps", 8, 1, 16},
                 {"residual", "1: the prior makes a correction of its input, not the image", 0, 0, 1}};
  kind.trainable_scales = {1, 2, 3, 4};
  kind.all_scales = true;
  kind.training = {.noise = 25.0};
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    return std::make_unique<Usrnet>(networks::usrnet().config_of(weights), weights);
  };
  return kind;
}

}  // namespace zsr::networks
