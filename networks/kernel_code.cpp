#include "networks/kernel_code.h"

#include "degradations/kernel_pca.h"

#include <torch/types.h>

#include <cmath>
#include <map>
#include <mutex>
#include <numbers>
#include <optional>
#include <utility>

namespace zsr::networks {
namespace {

using nn::Graph;
using nn::Parameter;
using nn::Shape;
using nn::Value;

torch::Tensor fitted_components(int64_t side, int64_t count) {
  constexpr int kWidths = 8;
  constexpr int kAngles = 4;
  constexpr double kNarrow = 0.2;
  constexpr double kWide = 4.0;
  std::vector<double> widths;
  for (int i = 0; i < kWidths; ++i) widths.push_back(kNarrow * std::pow(kWide / kNarrow, i / (kWidths - 1.0)));
  std::vector<BlurKernel> kernels;
  for (int i = 0; i < kWidths; ++i) {
    for (int j = 0; j <= i; ++j) {
      for (int angle = 0; angle < (i == j ? 1 : kAngles); ++angle) {
        kernels.push_back(gaussian_kernel(side, widths[static_cast<size_t>(i)], widths[static_cast<size_t>(j)],
                                          std::numbers::pi * angle / kAngles));
      }
    }
  }
  return KernelPca::fit(kernels, side, count).basis().t().to(torch::kFloat32).contiguous();
}

}  // namespace

Value spread(Graph& g, Value code, Value like) {
  return g.custom({"code at every pixel",
                   [](const std::vector<Shape>& in) {
                     return Shape{in[0].channels, in[1].height, in[1].width};
                   },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>&) {
                     return in[0].expand({in[1].size(0), -1, in[1].size(2), in[1].size(3)});
                   },
                   0},
                  {code, like});
}

Value stored_code(Graph& g, const std::string& name, std::vector<float> begin, Value like) {
  const auto count = static_cast<int64_t>(begin.size());
  const int32_t index = g.parameter(name, {1, count}, Parameter::Role::kMean);
  g.begin(name, std::move(begin));
  return g.custom({"stored code",
                   [count](const std::vector<Shape>&) {
                     return Shape{count, 1, 1};
                   },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                     return own[0].detach().view({1, -1, 1, 1}).expand({in[0].size(0), -1, 1, 1});
                   },
                   0},
                  {like}, {index});
}

Value encoded_kernel(Graph& g, const std::string& name, Value kernel, int64_t side, int64_t count) {
  const std::optional<int32_t> known = g.find(name);
  const int32_t index = known ? *known : g.parameter(name, {1, side * side, count}, Parameter::Role::kMean);
  if (!known) g.begin(name, gaussian_components(side, count));
  return g.custom({"code of a kernel",
                   [count](const std::vector<Shape>&) {
                     return Shape{count, 1, 1};
                   },
                   [](const std::vector<torch::Tensor>& in, const std::vector<torch::Tensor>& own) {
                     return torch::matmul(in[0].flatten(1), own[0].detach()[0]).unsqueeze(2).unsqueeze(3);
                   },
                   0},
                  {kernel}, {index});
}

std::vector<float> gaussian_components(int64_t side, int64_t count) {
  // Graphs are built often, the components of a size do not change.
  static std::mutex mutex;
  static std::map<std::pair<int64_t, int64_t>, std::vector<float>> made;
  const std::lock_guard lock(mutex);
  std::vector<float>& own = made[{side, count}];
  if (own.empty()) {
    const torch::Tensor fitted = fitted_components(side, count);
    own.assign(fitted.data_ptr<float>(), fitted.data_ptr<float>() + fitted.numel());
  }
  return own;
}

std::vector<float> delta_code(int64_t side, int64_t count) {
  const std::vector<float> all = gaussian_components(side, count);
  const auto middle = static_cast<std::ptrdiff_t>(side * side / 2 * count);
  return {all.begin() + middle, all.begin() + middle + count};
}

}  // namespace zsr::networks
