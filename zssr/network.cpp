#include "zssr/network.h"

#include "networks/edsr_layers.h"

#include <torch/types.h>

#include <cmath>

namespace zsr::zssr {
namespace {

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 1e-9;
}

ConvChain make_chain(const Options& options, int64_t channels, int64_t out_channels) {
  if (options.start) return ConvChain(options.start->layers(channels));
  std::vector<ConvLayer> layers;
  for (int64_t i = 0; i < options.depth; ++i) {
    layers.push_back({.in_channels = i == 0 ? channels : options.width,
                      .out_channels = i + 1 == options.depth ? out_channels : options.width,
                      .bias = false,
                      .relu = i + 1 < options.depth});
  }
  return ConvChain(std::move(layers));
}

// The starting point's weights; for a gray photo the colours of its first and last layer become one.
torch::Tensor start_weight(const Start& start, size_t layer, int64_t channels) {
  torch::Tensor weight = start.weights[layer];
  if (channels == 3 || start.is_edsr) return weight;
  if (layer == 0) {
    weight = torch::cat({weight.slice(1, 0, 3).sum(1, true), weight.slice(1, 3)}, 1);
  }
  if (layer + 1 == start.weights.size()) {
    weight = weight.view({3, -1, weight.size(1), 3, 3}).mean(0);
  }
  return weight;
}

int64_t output_channels(Architecture architecture, int64_t channels, Scale scale) {
  if (architecture == Architecture::kPreUpsampled) return channels;
  return channels * std::llround(scale.y) * std::llround(scale.x);
}

// [N, C * fy * fx, h, w] -> [N, C, h * fy, w * fx]; at::pixel_shuffle knows only equal factors.
torch::Tensor shuffle(const torch::Tensor& x, int64_t channels, int64_t fy, int64_t fx) {
  if (fy == fx) return torch::pixel_shuffle(x, fy);
  const int64_t n = x.size(0);
  const int64_t h = x.size(2);
  const int64_t w = x.size(3);
  return x.reshape({n, channels, fy, fx, h, w}).permute({0, 1, 4, 2, 5, 3}).reshape({n, channels, h * fy, w * fx});
}

}  // namespace

Architecture resolve_architecture(const Options& options, Scale scale) {
  const bool whole = is_whole(scale.y) && is_whole(scale.x) && scale.y <= 8.0 && scale.x <= 8.0;
  return whole ? options.architecture : Architecture::kPreUpsampled;
}

Network::Network(const Options& options, int64_t channels, Scale scale, Random& random, torch::Device device)
    : architecture_(resolve_architecture(options, scale)),
      channels_(channels),
      is_edsr_(options.start != nullptr && options.start->is_edsr),
      chain_(make_chain(options, channels, output_channels(architecture_, channels, scale))) {
  if (architecture_ == Architecture::kPixelShuffle) {
    factor_y_ = std::llround(scale.y);
    factor_x_ = std::llround(scale.x);
  }
  torch::Tensor values = torch::empty({chain_.parameter_count()}, torch::kFloat32);
  for (size_t layer = 0; layer < chain_.layers().size(); ++layer) {
    torch::Tensor weight = chain_.weight(values, layer);
    if (options.start) {
      weight.copy_(start_weight(*options.start, layer, channels));
      if (is_edsr_) chain_.bias(values, layer).copy_(options.start->biases[layer]);
      continue;
    }
    const double fan_in = 9.0 * static_cast<double>(chain_.layers()[layer].in_channels);
    const bool last = layer + 1 == chain_.layers().size();
    const double sigma = std::sqrt((last ? options.last_init_variance : options.init_variance) / fan_in);
    float* value = weight.data_ptr<float>();
    for (int64_t i = 0; i < weight.numel(); ++i) value[i] = static_cast<float>(sigma * random.normal());
  }
  parameters_ = values.to(device).set_requires_grad(true);
}

std::vector<MatrixSlice> Network::hidden_matrices() const {
  std::vector<MatrixSlice> slices;
  for (size_t i = 1; i + 1 < chain_.layers().size(); ++i) {
    const torch::Tensor weight = chain_.weight(parameters_.detach(), i);
    slices.push_back({weight.storage_offset(), weight.size(0), weight.size(1) * 9});
  }
  return slices;
}

void Network::set_parameters(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  parameters_.copy_(values);
}

int64_t Network::halo(Scale scale) const {
  constexpr int64_t kCubicRadius = 2;
  const auto depth = static_cast<int64_t>(chain_.layers().size());
  if (architecture_ == Architecture::kPixelShuffle) return std::max(depth, kCubicRadius);
  const double smallest = std::min(scale.y, scale.x);
  return static_cast<int64_t>(std::ceil(static_cast<double>(depth) / smallest)) + kCubicRadius;
}

void Network::set_condition(const torch::Tensor& condition) {
  if (chain_.layers().front().in_channels > channels_) condition_ = condition.to(parameters_.device());
}

torch::Tensor Network::residual(const torch::Tensor& lr, const torch::Tensor& base, int64_t turn) const {
  if (architecture_ == Architecture::kPreUpsampled) return chain_.forward(base, parameters_);
  if (is_edsr_) {
    // A gray photo goes through as one of three equal colours.
    const torch::Tensor made = networks::run_edsr(chain_, lr.expand({-1, 3, -1, -1}), parameters_);
    const torch::Tensor image = made.slice(2, 0, base.size(2)).slice(3, 0, base.size(3));
    return (channels_ == 1 ? image.mean(1, true) : image) - base;
  }
  torch::Tensor input = lr;
  if (condition_.defined()) {
    const torch::Tensor maps = turn == 0 ? condition_ : turned_condition(condition_, turn);
    input = torch::cat({lr, maps.expand({lr.size(0), -1, lr.size(2), lr.size(3)})}, 1);
  }
  return shuffle(chain_.forward(input, parameters_), channels_, factor_y_, factor_x_);
}

}  // namespace zsr::zssr
