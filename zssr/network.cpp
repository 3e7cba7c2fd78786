#include "zssr/network.h"

#include "networks/zssr.h"
#include "zssr/start.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace zsr::zssr {
namespace {

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 1e-9;
}

nn::Graph make_graph(const Options& options, int64_t channels, int64_t out_channels) {
  if (options.start) return options.start->graph(channels);
  return networks::zssr_graph(channels, options.network.width, options.network.depth, out_channels);
}

int64_t count_convolutions(const nn::Graph& graph) {
  return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                       [](const nn::Node& node) { return std::holds_alternative<nn::Convolution>(node.operation); });
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
  return whole ? options.network.architecture : Architecture::kPreUpsampled;
}

Network::Network(const Options& options, int64_t channels, Scale scale, Random& random, torch::Device device)
    : architecture_(resolve_architecture(options, scale)),
      channels_(channels),
      has_start_(options.start != nullptr),
      is_edsr_(has_start_ && options.start->is_edsr),
      model_(make_graph(options, channels, output_channels(architecture_, channels, scale))),
      depth_(count_convolutions(model_.graph())) {
  if (architecture_ == Architecture::kPixelShuffle) {
    factor_y_ = std::llround(scale.y);
    factor_x_ = std::llround(scale.x);
  }
  torch::Tensor values = torch::empty({model_.parameter_count()}, torch::kFloat32);
  if (has_start_) {
    values = options.start->parameters_for(channels).clone();
  } else {
    const auto& parameters = model_.graph().parameters();
    for (const nn::Parameter& parameter : parameters) {
      const auto fan_in = static_cast<double>(parameter.count() / parameter.shape[0]);
      const bool last = &parameter == &parameters.back();
      const double sigma =
          std::sqrt((last ? options.network.last_init_variance : options.network.init_variance) / fan_in);
      float* const own = values.data_ptr<float>() + parameter.offset;
      for (int64_t i = 0; i < parameter.count(); ++i) own[i] = static_cast<float>(sigma * random.normal());
    }
  }
  parameters_ = values.to(device).set_requires_grad(true);
}

int64_t Network::width() const {
  return model_.graph().parameters().front().shape[0];
}

std::vector<MatrixSlice> Network::hidden_matrices() const {
  return nn::hidden_matrices(model_.graph());
}

void Network::set_parameters(const torch::Tensor& values) {
  const torch::NoGradGuard no_grad;
  parameters_.copy_(values);
}

int64_t Network::halo(Scale scale) const {
  constexpr int64_t kCubicRadius = 2;
  if (architecture_ == Architecture::kPixelShuffle) return std::max(depth_, kCubicRadius);
  const double smallest = std::min(scale.y, scale.x);
  return static_cast<int64_t>(std::ceil(static_cast<double>(depth_) / smallest)) + kCubicRadius;
}

void Network::set_condition(const torch::Tensor& condition) {
  if (has_start_ && !is_edsr_) condition_ = condition.to(parameters_.device());
}

torch::Tensor Network::residual(const torch::Tensor& lr, const torch::Tensor& base, int64_t turn) const {
  if (architecture_ == Architecture::kPreUpsampled) return model_.forward({base}, parameters_);
  if (is_edsr_) {
    // A gray photo goes through as one of three equal colours.
    const torch::Tensor made = model_.forward({lr.expand({-1, 3, -1, -1})}, parameters_);
    const torch::Tensor image = made.slice(2, 0, base.size(2)).slice(3, 0, base.size(3));
    return (channels_ == 1 ? image.mean(1, true) : image) - base;
  }
  torch::Tensor input = lr;
  if (condition_.defined()) {
    const torch::Tensor maps = turn == 0 ? condition_ : turned_condition(condition_, turn);
    input = torch::cat({lr, maps.expand({lr.size(0), -1, lr.size(2), lr.size(3)})}, 1);
  }
  const torch::Tensor made = model_.forward({input}, parameters_);
  return has_start_ ? made : shuffle(made, channels_, factor_y_, factor_x_);
}

}  // namespace zsr::zssr
