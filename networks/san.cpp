#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Value;

// Published files hold layers that the authors' code never uses.
WeightsFile without_unused(WeightsFile weights) {
  std::erase_if(weights.tensors, [](const NamedTensor& entry) {
    return entry.name.starts_with("conv_last.") || entry.name.starts_with("non_local.soca.") ||
           (entry.name.starts_with("RG.") && entry.name.ends_with(".gamma"));
  });
  return weights;
}

// The middle of a large image, as many rows and columns as the authors' code looks at.
torch::Tensor san_middle(const torch::Tensor& image) {
  constexpr int64_t kMost = 1000;
  const auto narrowed = [](const torch::Tensor& x, int64_t dim) {
    return x.size(dim) < kMost ? x : x.narrow(dim, (x.size(dim) - kMost) / 2, kMost);
  };
  return narrowed(narrowed(image, 2), 3);
}

// The mean of each row of the square root of the channels' covariance [N, C, 1, 1], by five Newton-Schulz iterations.
torch::Tensor san_statistics(const torch::Tensor& image) {
  constexpr int kInner = 3;
  const torch::Tensor rows = san_middle(image).flatten(2);
  const torch::Tensor centred = rows - rows.mean(2, true);
  const torch::Tensor covariance = torch::matmul(centred, centred.transpose(1, 2)) / rows.size(2);
  const torch::Tensor three = 3.0 * torch::eye(covariance.size(1), covariance.options());
  const torch::Tensor trace = covariance.diagonal(0, 1, 2).sum(1).view({-1, 1, 1});
  const torch::Tensor first = covariance / trace;
  torch::Tensor z = 0.5 * (three - first);
  torch::Tensor y = torch::matmul(first, z);
  for (int i = 0; i < kInner; ++i) {
    const torch::Tensor step = 0.5 * (three - torch::matmul(z, y));
    y = torch::matmul(y, step);
    z = torch::matmul(step, z);
  }
  const torch::Tensor root = 0.5 * torch::matmul(y, three - torch::matmul(z, y)) * trace.sqrt();
  return root.mean(1).unsqueeze(2).unsqueeze(3);
}

// Every pixel of a quadrant takes from all pairs of pixels of the quadrant.
torch::Tensor san_attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value) {
  const auto pooled = [](const torch::Tensor& x) { return torch::max_pool2d(x, {2, 2}, {2, 2}).flatten(2); };
  const torch::Tensor shares = torch::softmax(torch::matmul(query.flatten(2).transpose(1, 2), pooled(key)), -1);
  const torch::Tensor seen = torch::matmul(shares, pooled(value).transpose(1, 2));
  return seen.transpose(1, 2).reshape(query.sizes());
}

torch::Tensor san_quadrants(const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
  const int64_t height = in[0].size(2);
  const int64_t width = in[0].size(3);
  const auto row = [&](int64_t top, int64_t bottom) {
    const auto part = [&](int64_t left, int64_t right) {
      const auto cut = [&](const torch::Tensor& x) { return x.slice(2, top, bottom).slice(3, left, right); };
      return san_attention(cut(in[0]), cut(in[1]), cut(in[2]));
    };
    return torch::cat({part(0, width / 2), part(width / 2, width)}, 3);
  };
  return torch::cat({row(0, height / 2), row(height / 2, height)}, 2);
}

class SanLayers {
 public:
  SanLayers(Graph& graph, const Config& config)
      : g_(graph), layers_(graph), config_(config), width_(config.whole("width")) {}
  // Attention inside each quadrant of the image, with the same weights whenever it is used.
  Value non_local(Value x) {
    const std::string name = "non_local.non_local.";
    const auto pixel = [&](const std::string& part, Value y, int64_t out) {
      return layers_.conv(name + part, y, out, {.side = 1});
    };
    const int64_t inner = config_.whole("inner");
    // A quarter of the pixels as queries, a sixteenth as keys.
    const nn::Custom attention{"quadrant attention", [](const std::vector<nn::Shape>& in) { return in[0]; },
                               san_quadrants, -1, 12.0 / 64.0};
    const Value seen =
        g_.custom(attention, {pixel("theta", x, inner), pixel("phi.0", x, inner), pixel("g.0", x, inner)});
    const Value made = pixel("W", seen, width_);
    g_.begin(name + "W.weight", {0.0F});
    return made + x;
  }
  // Residual blocks, channels weighed by second-order statistics.
  Value group(Value x, const std::string& name) {
    Value y = x;
    for (int64_t b = 0; b < config_.whole("depth"); ++b) {
      const std::string block = fmt::format("{}rcab.{}.conv_first.", name, b);
      y = g_.conv(block + "2", g_.relu(g_.conv(block + "0", y, width_)), width_) + y;
    }
    const nn::Custom statistics{
        "second-order statistics",
        [](const std::vector<nn::Shape>& in) {
          return nn::Shape{in[0].channels, 1, 1};
        },
        [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) { return san_statistics(in[0]); },
        -1};
    y = y * channel_weights(g_, g_.custom(statistics, {y}), name + "soca.conv_du", config_.whole("squeezed"));
    return g_.conv(name + "conv_last", y, width_) + x;
  }

 private:
  Graph& g_;
  SharedLayers layers_;
  const Config& config_;
  int64_t width_;
};

// SAN (Dai, Cai, Zhang, Xia and Zhang, CVPR 2019).
Graph san_graph(const Config& config) {
  Graph g;
  SanLayers layers(g, config);
  const Value head = g.conv("head.0", into_colors(g, g.input(config.channels), config), config.whole("width"));
  const Value start = layers.non_local(head);
  const Value share = start * g.learned("gamma", {1}, nn::Parameter::Role::kNormBias);
  Value x = start;
  for (int64_t i = 0; i < config.whole("groups"); ++i) x = layers.group(x, fmt::format("RG.{}.", i)) + share;
  x = layers.non_local(x) + head;
  x = g.conv("tail.1", shuffled_up(g, x, "tail.0.", config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

std::optional<Config> read_san(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string squeeze = "RG.0.soca.conv_du.0.weight";
  const std::string theta = "non_local.non_local.theta.weight";
  if (!shapes.has(squeeze) || !shapes.has(theta) || !shapes.has("head.0.weight")) return std::nullopt;
  const int64_t width = shapes.size("head.0.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head.0");
  config.scales = {shuffled_scale(shapes, "tail.0.", width)};
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(shapes.count("RG.", ".conv_last.weight")));
  config.set("depth", static_cast<double>(shapes.count("RG.0.rcab.", ".conv_first.0.weight")));
  config.set("squeezed", static_cast<double>(shapes.size(squeeze, 0)));
  config.set("inner", static_cast<double>(shapes.size(theta, 0)));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind san() {
  Kind kind{"san", "SAN (Dai et al. 2019)", read_san, san_graph};
  kind.traits.least_side = 8;  // quadrants of whole pairs of pixels
  kind.renamed = without_unused;
  kind.fields = {{"width", "channels", 64, 8, 256},
                 {"groups", "residual groups", 20, 1, 32},
                 {"depth", "blocks of a group", 10, 1, 64},
                 {"squeezed", "channels inside the second-order attention", 4, 1, 64},
                 {"inner", "channels inside the non-local layers", 8, 1, 128},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  kind.ignored = {"sub_mean.", "add_mean."};
  return kind;
}

}  // namespace zsr::networks
