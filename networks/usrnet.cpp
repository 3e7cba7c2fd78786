#include "core/error.h"
#include "networks/all_kinds.h"
#include "networks/data_step.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <fmt/format.h>
#include <torch/fft.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::networks {
namespace {

constexpr size_t kLevels = 3;    // of the prior's U
constexpr int64_t kWhole = 8;    // its sides must be multiples of
constexpr int64_t kMargin = 24;  // LR pixels around the photo, at least: the data step sees it as a torus

// 1 inside, falling to 0 over `margin` at both ends.
torch::Tensor window(int64_t length, int64_t margin) {
  torch::Tensor weights = torch::ones({length});
  auto values = weights.accessor<float, 1>();
  for (int64_t i = 0; i < margin; ++i) {
    const double part = (static_cast<double>(i) + 0.5) / static_cast<double>(margin);
    values[i] = values[length - 1 - i] = static_cast<float>(0.5 - 0.5 * std::cos(M_PI * part));
  }
  return weights;
}

// The margins blended towards a version of the image that is smooth across its own ends, so that the torus has no seam
// to ring from.
torch::Tensor tapered(const torch::Tensor& image, int64_t top, int64_t left) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  const auto low_pass = [](int64_t length, int64_t margin) {
    // A Gaussian of a third of the margin, as its transfer function.
    const double sigma = std::max(1.0, static_cast<double>(margin) / 3.0);
    const torch::Tensor f = torch::fft::fftfreq(length);
    return torch::exp(f.square() * (-2.0 * M_PI * M_PI * sigma * sigma));
  };
  const torch::Tensor filter = low_pass(height, top).view({-1, 1}) * low_pass(width, left).view({1, -1});
  const torch::Tensor smooth = torch::real(torch::fft::ifft2(torch::fft::fft2(image) * filter));
  const torch::Tensor inside = window(height, top).view({-1, 1}) * window(width, left).view({1, -1});
  return smooth + (image - smooth) * inside;
}

using nn::Graph;
using nn::Value;

const Graph::ConvOptions kNoBias{.bias = false};

// Residual blocks `first`, first + 1, ... of a part, without normalisation.
Value residual_blocks(Graph& g, Value x, const std::string& part, int64_t first, int64_t count, int64_t width) {
  for (int64_t i = first; i < first + count; ++i) {
    const std::string name = fmt::format("{}.{}.res", part, i);
    const Value inner = g.relu(g.conv(name + ".0", x, width, kNoBias));
    x = x + g.conv(name + ".2", inner, width, kNoBias);
  }
  return x;
}

std::string place(const char* part, size_t level) {
  return fmt::format("{}{}", part, level + 1);
}

// The prior: a U of residual blocks on the image and a map of its noise level.
Graph denoiser(const Config& config) {
  const int64_t blocks = config.whole("blocks");
  const auto width = [&](size_t level) { return config.whole(place("width", level)); };
  Graph g;
  std::array<Value, kLevels + 1> seen{g.conv("p.m_head", g.input(4), width(0), kNoBias)};
  for (size_t level = 0; level < kLevels; ++level) {
    const std::string part = place("p.m_down", level);
    const Value x = residual_blocks(g, seen[level], part, 0, blocks, width(level));
    seen[level + 1] = g.conv(fmt::format("{}.{}", part, blocks), x, width(level + 1),
                             {.side = 2, .stride = 2, .padding = 0, .bias = false});
  }
  Value x = residual_blocks(g, seen[kLevels], "p.m_body", 0, blocks, width(kLevels));
  for (size_t level = kLevels; level-- > 0;) {
    const std::string part = place("p.m_up", level);
    x = g.transposed_conv(part + ".0", x + seen[level + 1], width(level),
                          {.side = 2, .stride = 2, .padding = 0, .bias = false});
    x = residual_blocks(g, x, part, 1, blocks, width(level));
  }
  g.output(g.conv("p.m_tail", x + seen[0], 3, kNoBias), 1);
  return g;
}

// Strengths of both steps in every iteration, from noise level and scale.
Graph strengths(const Config& config) {
  constexpr double kLeast = 1e-6;
  const int64_t hidden = config.whole("hidden");
  const Graph::ConvOptions pixel{.side = 1};
  Graph g;
  Value x = g.relu(g.conv("h.mlp.0", g.input(2), hidden, pixel));
  x = g.relu(g.conv("h.mlp.2", x, hidden, pixel));
  x = g.conv("h.mlp.4", x, 2 * config.whole("iterations"), pixel);
  g.output(g.affine(g.activation(nn::Curve::kSoftplus, x), 1.0, kLeast), 1);
  return g;
}

std::optional<Config> read_usrnet(const WeightsFile& weights) {
  const FileShapes shapes(weights);
  if (!shapes.has("p.m_head.weight") || !shapes.has("h.mlp.0.weight")) return std::nullopt;
  Config config;
  const int64_t blocks = shapes.count("p.m_body.", ".res.0.weight");
  config.set("blocks", static_cast<double>(blocks));
  config.set("width1", static_cast<double>(shapes.size("p.m_head.weight", 0)));
  for (size_t level = 0; level < kLevels; ++level) {
    const std::string strided = fmt::format("{}.{}.weight", place("p.m_down", level), blocks);
    config.set(place("width", level + 1), static_cast<double>(shapes.size(strided, 0)));
  }
  config.set("hidden", static_cast<double>(shapes.size("h.mlp.0.weight", 0)));
  config.set("iterations", static_cast<double>(shapes.size("h.mlp.4.weight", 0) / 2));
  return config;
}

// What of a file belongs to one of the two parts.
WeightsFile part_of(const WeightsFile& weights, const std::string& prefix) {
  WeightsFile part{weights.origin, weights.format, {}, {}};
  for (const NamedTensor& entry : weights.tensors) {
    if (entry.name.starts_with(prefix)) part.tensors.push_back(entry);
  }
  return part;
}

/// USRNet (Zhang, Van Gool and Timofte, CVPR 2020): for any kernel, scale and noise; alternates an exact step for the
/// data with a U-shaped denoiser, strengths of both given by a small network from noise and scale.
class Usrnet : public Network {
 public:
  Usrnet(const Config& config, const WeightsFile& weights)
      : Network({}),
        steps_(config.whole("iterations")),
        denoiser_(zsr::networks::denoiser(config)),
        strengths_(strengths(config)) {
    const WeightsFile prior = part_of(weights, "p.");
    const WeightsFile hyper = part_of(weights, "h.");
    denoiser_values_ = nn::take_parameters(denoiser_.graph(), prior, "USRNet");
    strengths_values_ = nn::take_parameters(strengths_.graph(), hyper, "USRNet");
    if (prior.tensors.size() + hyper.tensors.size() != weights.tensors.size()) {
      throw InputError(fmt::format("'{}' does not fit USRNet: it holds more than 'p.' and 'h.'", weights.origin));
    }
    traits_.takes_kernel = true;
    traits_.reach = Traits::kWholePhoto;
  }

  torch::Tensor forward(const Input& input) const override {
    if (!input.kernel) throw OptionError("USRNet needs the photo's kernel");
    const int64_t s = input.scale;
    const int64_t height = input.image.size(2);
    const int64_t width = input.image.size(3);
    // As far as the kernel reaches, and again.
    const int64_t reach = std::max(input.kernel->height(), input.kernel->width()) / s + 1;
    const auto margin = [&](int64_t length) {
      return input.circular ? 0 : std::min(std::max(kMargin, reach), length - 1);
    };
    const int64_t top = margin(height);
    const int64_t left = margin(width);
    torch::Tensor y = input.image;
    if (!input.circular) y = tapered(torch::reflection_pad2d(y, {left, left, top, top}), top, left);
    const DataStep data_step(y, *input.kernel, s);
    const auto known = torch::tensor({static_cast<float>(input.noise), static_cast<float>(s)}).view({1, 2, 1, 1});
    const torch::Tensor strengths = strengths_.forward({known}, strengths_values_).view({-1}).contiguous();
    torch::Tensor x = y.repeat_interleave(s, 2).repeat_interleave(s, 3);
    for (int64_t i = 0; i < steps_; ++i) {
      x = data_step(x, strengths[i].item<double>());
      const torch::Tensor level = strengths[steps_ + i].view({1, 1, 1, 1}).expand({1, 1, x.size(2), x.size(3)});
      x = denoise(torch::cat({x, level}, 1));
    }
    return x.narrow(2, top * s, height * s).narrow(3, left * s, width * s);
  }

 private:
  torch::Tensor denoise(const torch::Tensor& image) const {
    const auto missing = [](int64_t length) { return (kWhole - length % kWhole) % kWhole; };
    const torch::Tensor padded =
        torch::replication_pad2d(image, {0, missing(image.size(3)), 0, missing(image.size(2))});
    const torch::Tensor made = denoiser_.forward({padded}, denoiser_values_);
    return made.slice(2, 0, image.size(2)).slice(3, 0, image.size(3));
  }

  int64_t steps_ = 0;
  nn::Model denoiser_, strengths_;
  torch::Tensor denoiser_values_, strengths_values_;
};

}  // namespace

Kind usrnet() {
  Kind kind{"usrnet", "USRNet (Zhang et al. 2020)", read_usrnet, denoiser};
  kind.traits.takes_kernel = true;
  kind.special = [](const WeightsFile& weights) -> std::unique_ptr<Network> {
    return std::make_unique<Usrnet>(networks::usrnet().config_of(weights), weights);
  };
  return kind;
}

}  // namespace zsr::networks
