#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/blocks.h"
#include "networks/mean_shift.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Parameter;
using nn::Shape;
using nn::Value;

constexpr int64_t kDfsaTaps = 9;  // of a 3x3 filter
constexpr double kHalfTurn = 3.14159265358979323846;

// What a low-pass filter of each pixel and group of channels leaves over. `logits` [N, 9 groups, H, W] become weights
// that sum to 1 over the nine taps. Edge pixels are repeated around the image, so that a constant one has no details.
torch::Tensor dfsa_high_pass(const torch::Tensor& image, const torch::Tensor& logits) {
  const int64_t count = image.size(0);
  const int64_t groups = logits.size(1) / kDfsaTaps;
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const torch::Tensor weights = torch::softmax(logits.view({count, groups, 1, kDfsaTaps, height, width}), 3);
  const torch::Tensor around =
      torch::im2col(torch::replication_pad2d(image, {1, 1, 1, 1}), {3, 3}, {1, 1}, {0, 0}, {1, 1})
          .view({count, groups, -1, kDfsaTaps, height, width});
  return image - (around * weights).sum(3).reshape(image.sizes());
}

// [frequencies, H, W]: the lowest bases of the discrete cosine transform, by diagonals of the plane, of mean square 1.
torch::Tensor dfsa_bases(int64_t frequencies, int64_t height, int64_t width, const torch::TensorOptions& options) {
  const auto wave = [&](int64_t frequency, int64_t length) {
    const torch::Tensor places = (torch::arange(length, options) + 0.5) / static_cast<double>(length);
    return torch::cos(places * (kHalfTurn * static_cast<double>(frequency))) * (frequency == 0 ? 1.0 : std::sqrt(2.0));
  };
  std::vector<torch::Tensor> bases;
  for (int64_t sum = 0; static_cast<int64_t>(bases.size()) < frequencies; ++sum) {
    for (int64_t down = 0; down <= sum && static_cast<int64_t>(bases.size()) < frequencies; ++down) {
      bases.push_back(wave(down, height).view({-1, 1}) * wave(sum - down, width).view({1, -1}));
    }
  }
  return torch::stack(bases);
}

class DfsaLayers {
 public:
  DfsaLayers(Graph& graph, const Config& config)
      : g_(graph),
        width_(config.whole("width")),
        groups_(config.whole("filters")),
        frequencies_(config.whole("frequencies")),
        squeezed_(config.whole("squeezed")) {
    if (groups_ < 1 || width_ % groups_ != 0) {
      throw OptionError(fmt::format("filters = {}, must divide the {} channels", groups_, width_));
    }
  }

  // A residual block: two convolutions, the details of the second by a high-pass filter, channels weighed.
  Value block(const std::string& name, Value x) {
    Value y = g_.conv(name + "conv2", g_.relu(g_.conv(name + "conv1", x, width_)), width_);
    const Value logits = g_.conv(name + "filter", y, kDfsaTaps * groups_);
    const Value details = g_.custom({"dynamic high-pass filter", [](const std::vector<Shape>& in) { return in[0]; },
                                     [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                                       return dfsa_high_pass(in[0], in[1]);
                                     },
                                     1},
                                    {y, logits});
    y = y + g_.conv(name + "details", details, width_, {.side = 1});
    return y * channel_weights(g_, spectrum(name + "spectrum", y), name + "attention", squeezed_) + x;
  }

 private:
  // One number a channel: its coefficients of the lowest frequencies, weighed by a learned matrix that begins with the
  // mean alone.
  Value spectrum(const std::string& name, Value x) {
    const int32_t matrix = g_.parameter(name, {width_, frequencies_}, Parameter::Role::kNormBias);
    std::vector<float> mean(static_cast<size_t>(width_ * frequencies_), 0.0F);
    for (size_t i = 0; i < mean.size(); i += static_cast<size_t>(frequencies_)) mean[i] = 1.0F;
    g_.begin(name, mean);
    const int64_t frequencies = frequencies_;
    return g_.custom({"frequencies of channels",
                      [](const std::vector<Shape>& in) {
                        return Shape{in[0].channels, 1, 1};
                      },
                      [frequencies](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                        const torch::Tensor& image = in[0];
                        const torch::Tensor bases =
                            dfsa_bases(frequencies, image.size(2), image.size(3), image.options()).flatten(1);
                        const torch::Tensor found = torch::matmul(image.flatten(2), bases.t()) / bases.size(1);
                        return (found * own[0]).sum(2).unsqueeze(2).unsqueeze(3);
                      },
                      -1},
                     {x}, {matrix});
  }

  Graph& g_;
  int64_t width_;
  int64_t groups_;
  int64_t frequencies_;
  int64_t squeezed_;
};

// Dynamic high-pass filtering and multi-spectral attention (Magid et al., ICCV 2021) as the paper's abstract describes
// them, in RCAN's trunk: filters that adapt to each pixel and group of channels keep details, channels are weighed by
// several of their frequencies. No code is public, so no published file fits; names and sizes are zsr's own.
Graph dfsa_graph(const Config& config) {
  Graph g;
  DfsaLayers layers(g, config);
  const int64_t width = config.whole("width");
  const Value head = g.conv("head", into_colors(g, g.input(config.channels), config), width);
  Value x = head;
  for (int64_t i = 0; i < config.whole("groups"); ++i) {
    Value y = x;
    for (int64_t b = 0; b < config.whole("depth"); ++b) y = layers.block(fmt::format("groups.{}.blocks.{}.", i, b), y);
    x = g.conv(fmt::format("groups.{}.conv", i), y, width) + x;
  }
  x = g.conv("body", x, width) + head;
  x = g.conv("last", shuffled_up(g, x, "up.", config.scales[0]), config.channels);
  g.output(out_of_colors(g, x, config), config.scales[0]);
  return g;
}

std::optional<Config> read_dfsa(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  const std::string block = "groups.0.blocks.0.";
  if (!shapes.has(block + "filter.weight") || !shapes.has(block + "spectrum") || !shapes.has("head.weight")) {
    return std::nullopt;
  }
  const int64_t width = shapes.size("head.weight", 0);
  Config config;
  config.channels = shapes.photo_channels("head");
  config.scales = {shuffled_scale(shapes, "up.", width)};
  config.set("width", static_cast<double>(width));
  config.set("groups", static_cast<double>(shapes.count("groups.", ".conv.weight")));
  config.set("depth", static_cast<double>(shapes.count("groups.0.blocks.", ".conv1.weight")));
  config.set("filters", static_cast<double>(shapes.size(block + "filter.weight", 0) / kDfsaTaps));
  config.set("frequencies", static_cast<double>(shapes.size(block + "spectrum", 1)));
  config.set("squeezed", static_cast<double>(shapes.size(block + "attention.0.weight", 0)));
  read_colors(weights, config);
  return config;
}

}  // namespace

Kind dfsa() {
  Kind kind{"dfsa", "high-pass filters and multi-spectral attention (Magid et al. 2021), as described", read_dfsa,
            dfsa_graph};
  kind.fields = {{"width", "channels", 64, 8, 256, 8},
                 {"groups", "residual groups", 10, 1, 32},
                 {"depth", "blocks of a group", 12, 1, 64},
                 {"filters", "groups of channels, each with filters of its own", 8, 1, 64},
                 {"frequencies", "of each channel that the attention sees, 1 the mean alone", 6, 1, 64},
                 {"squeezed", "channels inside the channel attention", 4, 1, 64},
                 {"color_range", "colours go from 0 to this", 255, 1, 255}};
  kind.trainable_scales = {2, 3, 4};
  return kind;
}

}  // namespace zsr::networks
