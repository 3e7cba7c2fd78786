#include "networks/probes.h"

#include "core/error.h"
#include "image/resize.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <torch/types.h>

#include <cmath>
#include <limits>
#include <optional>

namespace zsr::networks {
namespace {

constexpr int64_t kSide = 48;
constexpr double kGray = 0.5;

// What the network makes of `image` [1, 1, kSide, kSide], without the border; empty where the weights do not fit.
std::optional<torch::Tensor> made_of(const nn::Graph& graph, const WeightsFile& weights, int64_t scale,
                                     const torch::Tensor& image) {
  const torch::NoGradGuard no_grad;
  try {
    const torch::Tensor parameters = nn::take_parameters(graph, weights, "");
    const torch::Tensor input = image.expand({1, graph.nodes().front().channels, -1, -1}).contiguous();
    return nn::Model(graph).forward({input}, parameters, scale);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

torch::Tensor inside(const torch::Tensor& image) {
  const int64_t border = image.size(2) / 4;
  return image.slice(2, border, -border).slice(3, border, -border);
}

}  // namespace

double gray_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale) {
  const auto made = made_of(graph, weights, scale, torch::full({1, 1, kSide, kSide}, kGray));
  if (!made) return std::numeric_limits<double>::infinity();
  return (inside(*made) - kGray).abs().mean().item<double>();
}

double consistency_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale) {
  constexpr double kFrequency = 0.9;  // radians a pixel
  const torch::Tensor at = kFrequency * torch::arange(kSide, torch::kFloat32);
  const torch::Tensor image = (kGray + 0.2 * torch::outer(torch::sin(at), torch::cos(at))).view({1, 1, kSide, kSide});
  const auto made = made_of(graph, weights, scale, image);
  if (!made) return std::numeric_limits<double>::infinity();
  const double s = 1.0 / static_cast<double>(scale);
  const torch::Tensor back = imresize(made->contiguous(), {s, s}, Size{kSide, kSide});
  return std::sqrt((inside(back) - inside(image)).square().mean().item<double>());
}

Config with_color_range(Config config, const WeightsFile& weights, nn::Graph (*graph)(const Config&)) {
  if (config.number("color_range") != 0.0) return config;
  const auto error_at = [&](double range) {
    config.set("color_range", range);
    return gray_error(graph(config), weights, config.scales[0]);
  };
  const double error_of_one = error_at(1.0);
  const double error_of_bytes = error_at(255.0);
  config.set("color_range", error_of_bytes < error_of_one ? 255.0 : 1.0);
  return config;
}

Config with_scale_by_gray(Config config, const WeightsFile& weights, nn::Graph (*graph)(const Config&),
                          const std::vector<int64_t>& scales) {
  if (config.scales[0] != 0) return config;
  int64_t best = scales.front();
  double least = std::numeric_limits<double>::infinity();
  for (const int64_t scale : scales) {
    config.scales = {scale};
    const double error = gray_error(graph(config), weights, scale);
    if (error < least) {
      best = scale;
      least = error;
    }
  }
  config.scales = {best};
  return config;
}

}  // namespace zsr::networks
