#include "networks/gray_test.h"

#include "core/error.h"
#include "nn/model.h"
#include "nn/parameter_file.h"

#include <torch/types.h>

#include <limits>

namespace zsr::networks {

double gray_error(const nn::Graph& graph, const WeightsFile& weights, int64_t scale) {
  constexpr double kGray = 0.5;
  constexpr int64_t kSide = 48;
  const torch::NoGradGuard no_grad;
  try {
    const torch::Tensor parameters = nn::take_parameters(graph, weights, "");
    const nn::Model model(graph);
    const torch::Tensor made =
        model.forward({torch::full({1, graph.nodes().front().channels, kSide, kSide}, kGray)}, parameters, scale);
    const int64_t border = kSide / 4 * scale;
    return (made.slice(2, border, -border).slice(3, border, -border) - kGray).abs().mean().item<double>();
  } catch (const InputError&) {
    return std::numeric_limits<double>::infinity();
  }
}

}  // namespace zsr::networks
