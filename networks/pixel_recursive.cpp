#include "networks/pixel_recursive.h"

#include "core/error.h"
#include "core/random.h"
#include "networks/all_kinds.h"
#include "networks/graph_network.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Shape;
using nn::Value;

constexpr int64_t kColors = 3;
constexpr int64_t kAllLevels = kColors * kColorLevels;

// A convolution that sees the rows above and, of the pixel's own row, the first `own` of its taps.
Value masked_conv(Graph& g, const std::string& name, Value x, int64_t out, int64_t height, int64_t width, int64_t own) {
  const int64_t channels = g.node(x.node).channels;
  const std::vector<int32_t> parameters{
      g.parameter(name + ".weight", {out, channels, height, width}, nn::Parameter::Role::kWeight),
      g.parameter(name + ".bias", {out}, nn::Parameter::Role::kBias)};
  torch::Tensor mask = torch::zeros({1, 1, height, width});
  mask.slice(2, 0, height / 2).fill_(1.0);
  mask.slice(2, height / 2, height / 2 + 1).slice(3, 0, own).fill_(1.0);
  return g.custom(
      {"masked convolution",
       [out](const std::vector<Shape>& in) {
         return Shape{out, in[0].height, in[0].width};
       },
       [mask, height, width](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& all) {
         return torch::conv2d(in[0], all[0] * mask.to(all[0].options()), all[1], 1, {height / 2, width / 2});
       },
       std::max(height, width) / 2},
      {x}, parameters);
}

// The prior's levels stand colour by colour within a level.
Value levels_by_color(Graph& g, Value x) {
  return g.custom({"levels by colour", [](const std::vector<Shape>& in) { return in[0]; },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     const torch::Tensor& all = in[0];
                     return all.view({all.size(0), kColorLevels, kColors, all.size(2), all.size(3)})
                         .transpose(1, 2)
                         .reshape(all.sizes());
                   },
                   0},
                  {x});
}

Value gated(Graph& g, Value both) {
  const int64_t width = g.node(both.node).channels / 2;
  return g.activation(nn::Curve::kTanh, g.slice(both, 0, width)) * g.sigmoid(g.slice(both, width, 2 * width));
}

// A stack that sees the rows above feeds one that sees the pixel's own row. All colours of a pixel are unseen.
Value prior_logits(Graph& g, Value hr, const Config& config) {
  constexpr int64_t kFirst = 7;
  constexpr int64_t kSide = 5;
  const int64_t width = config.whole("width");
  const Graph::ConvOptions pixel{.side = 1};
  Value x = masked_conv(g, "prior.conv1", g.affine(hr, 1.0, -0.5), width, kFirst, kFirst, kFirst / 2);
  Value above = x;
  for (int64_t i = 0; i < config.whole("depth"); ++i) {
    const std::string name = fmt::format("prior.gated{}.", i);
    const Value seen = masked_conv(g, name + "conv_s1", above, 2 * width, kSide, kSide, 0);
    above = gated(g, seen);
    const Value own = masked_conv(g, name + "conv_r1", x, 2 * width, 1, kSide, kSide / 2 + 1);
    x = x + g.conv(name + "conv_r2", gated(g, own + g.conv(name + "conv_s2", seen, 2 * width, pixel)), width, pixel);
  }
  x = g.relu(g.conv("prior.conv2", x, config.whole("hidden"), pixel));
  return levels_by_color(g, g.conv("prior.conv3", x, kAllLevels, pixel));
}

Value conditioning_block(Graph& g, Value x, const std::string& name) {
  constexpr double kEpsilon = 1e-3;  // TensorFlow's
  const int64_t width = g.node(x.node).channels;
  const Value y = g.relu(g.normalise(name + "bn1", g.conv(name + "conv1", x, width), nn::Norm::kBatch, kEpsilon));
  return x + g.normalise(name + "bn2", g.conv(name + "conv2", y, width), nn::Norm::kBatch, kEpsilon);
}

Value conditioning_logits(Graph& g, Value lr, const Config& config) {
  const int64_t width = config.whole("inner");
  const Graph::ConvOptions pixel{.side = 1};
  Value x = g.conv("conditioning.conv_init", g.affine(lr, 1.0, -0.5), width, pixel);
  int64_t doubling = 0;
  for (int64_t scale = config.scales[0]; scale > 1; scale /= 2, ++doubling) {
    for (int64_t i = 0; i < config.whole("blocks"); ++i) {
      x = conditioning_block(g, x, fmt::format("conditioning.res{}{}.", doubling, i));
    }
    x = g.transposed_conv(fmt::format("conditioning.deconv{}", doubling), x, width,
                          {.side = 3, .stride = 2, .padding = 0, .transposed = true});
    x = g.relu(g.pad(x, {.bottom = -1, .right = -1}));  // TensorFlow's size
  }
  for (int64_t i = 0; i < config.whole("blocks"); ++i) {
    x = conditioning_block(g, x, fmt::format("conditioning.res3{}.", i));
  }
  return g.conv("conditioning.conv", x, kAllLevels, pixel);
}

Graph recursive_graph(const Config& config) {
  const int64_t scale = config.scales[0];
  Graph g;
  const Value input = g.input(kColors + kColors * scale * scale);
  const Value hr = g.shuffle(g.slice(input, kColors, kColors + kColors * scale * scale), scale);
  const Value prior = prior_logits(g, hr, config);
  const Value conditioning = conditioning_logits(g, g.slice(input, 0, kColors), config);
  g.output(g.concat({prior + conditioning, conditioning}), scale);
  return g;
}

// The level at which the drawn part of the distribution is reached.
int64_t drawn_level(const torch::Tensor& logits, Random& random) {
  const torch::Tensor sums = torch::softmax(kSharpness * logits.to(torch::kFloat64), 0).cumsum(0).contiguous();
  const double* const begin = sums.data_ptr<double>();
  const double* const found = std::upper_bound(begin, begin + kColorLevels, random.uniform());
  return std::min<int64_t>(found - begin, kColorLevels - 1);
}

// Draws a result. Both networks stand alone, since the conditioning one needs the photo once only.
class RecursiveNetwork : public Network {
 public:
  // Each pixel takes a pass over all rows down to it: what is larger would take hours.
  static constexpr int64_t kMostPixels = 64 * 64;

  RecursiveNetwork(const Kind& kind, LoadedGraph loaded)
      : Network(traits_of(kind, loaded)),
        prior_(alone(loaded.config, prior_logits)),
        conditioning_(alone(loaded.config, conditioning_logits)),
        parameters_(loaded.parameters) {
    traits_.reach = Traits::kWholePhoto;
  }

  torch::Tensor forward(const Input& input) const override {
    const int64_t height = input.image.size(2) * input.scale;
    const int64_t width = input.image.size(3) * input.scale;
    if (height * width > kMostPixels) {
      throw OptionError(fmt::format(
          "a result of {} x {} pixels, this network draws each after all before: at most {} in all (a photo of 16 x 16 "
          "at x4)",
          width, height, kMostPixels));
    }
    const torch::Tensor all = parameters_.on(input.image.device());
    const int64_t of_prior = prior_.graph().parameter_count();
    const torch::Tensor known =
        conditioning_.forward({input.image}, all.narrow(0, of_prior, conditioning_.graph().parameter_count()), 1);
    Random random(derive_seed(input.seed, "pixels"));
    torch::Tensor made = torch::zeros({1, kColors, height, width}, input.image.options());
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        const torch::Tensor seen = made.slice(2, 0, i + 1).contiguous();
        const torch::Tensor logits =
            (prior_.forward({seen}, all.narrow(0, 0, of_prior), 1)[0].select(1, i).select(1, j) +
             known[0].select(1, i).select(1, j))
                .to(torch::kCPU)
                .view({kColors, kColorLevels});
        for (int64_t c = 0; c < kColors; ++c) {
          made[0][c][i][j] = static_cast<double>(drawn_level(logits[c], random)) / (kColorLevels - 1);
        }
      }
    }
    return made;
  }

 private:
  static Graph alone(const Config& config, Value (*part)(Graph&, Value, const Config&)) {
    Graph g;
    g.output(part(g, g.input(kColors), config), 1);
    return g;
  }

  nn::Model prior_;
  nn::Model conditioning_;
  Placed parameters_;
};

std::optional<Config> read_recursive(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("prior.conv1.weight") || !shapes.has("conditioning.conv_init.weight")) return std::nullopt;
  Config config;
  config.scales = {int64_t{1} << shapes.count("conditioning.deconv", ".weight")};
  config.set("width", static_cast<double>(shapes.size("prior.conv1.weight", 0)));
  config.set("depth", static_cast<double>(shapes.count("prior.gated", ".conv_s1.weight")));
  config.set("hidden", static_cast<double>(shapes.size("prior.conv2.weight", 0)));
  config.set("inner", static_cast<double>(shapes.size("conditioning.conv_init.weight", 0)));
  config.set("blocks", static_cast<double>(shapes.count("conditioning.res3", ".conv1.weight")));
  return config;
}

}  // namespace

torch::Tensor recursive_input(const torch::Tensor& lr, const torch::Tensor& hr) {
  const int64_t scale = lr.size(2) > 0 ? hr.size(2) / lr.size(2) : 0;
  if (scale < 1 || hr.size(2) != scale * lr.size(2) || hr.size(3) != scale * lr.size(3)) {
    throw OptionError(fmt::format("a result of {} x {} pixels for a photo of {} x {}", hr.size(3), hr.size(2),
                                  lr.size(3), lr.size(2)));
  }
  return torch::cat({lr.slice(1, 0, kColors), torch::pixel_unshuffle(hr.to(lr.device()), scale)}, 1);
}

LevelLogits::LevelLogits(const torch::Tensor& made)
    : both(made.slice(1, 0, kAllLevels)), conditioning(made.slice(1, kAllLevels, 2 * kAllLevels)) {}

torch::Tensor level_entropy(const torch::Tensor& logits, const torch::Tensor& hr) {
  const torch::Tensor levels = (hr.to(logits.device()) * (kColorLevels - 1)).round().to(torch::kInt64);
  const torch::Tensor scores =
      logits.reshape({logits.size(0), kColors, kColorLevels, logits.size(2), logits.size(3)}).log_softmax(2);
  return -scores.gather(2, levels.unsqueeze(2)).mean();
}

Kind pixelrecursive() {
  Kind kind{"pixelrecursive", "pixel-recursive super-resolution (Dahl et al. 2017)", read_recursive, recursive_graph};
  kind.traits.pixel_by_pixel = true;
  kind.fields = {{"width", "channels of the prior", 64, 8, 256},
                 {"depth", "gated layers of the prior", 20, 1, 64},
                 {"hidden", "channels before the prior's logits", 1024, 16, 4096},
                 {"inner", "channels of the conditioning network", 32, 8, 256},
                 {"blocks", "residual blocks at each size", 6, 1, 9}};
  kind.trainable_scales = {2, 4, 8};
  kind.training.patch = 8;
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    const Kind own = networks::pixelrecursive();
    return std::make_unique<RecursiveNetwork>(own, load_graph(own, weights));
  };
  return kind;
}

}  // namespace zsr::networks
