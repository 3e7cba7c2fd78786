#include "zssr/start.h"

#include "core/error.h"
#include "degradations/kernel_code.h"
#include "degradations/kernel_families.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>

namespace zsr::zssr {
namespace {

std::string name_of(int64_t layer) {
  return fmt::format("start.{}.weight", layer);
}

}  // namespace

bool Start::is_start(const WeightsFile& file) {
  const torch::Tensor* const first = file.find(name_of(0));
  return first != nullptr && first->dim() == 4 && first->size(1) == 3 + kMaps;
}

Start Start::from_weights(const WeightsFile& file) {
  if (!is_start(file)) {
    throw InputError(
        fmt::format("'{}' holds no starting point of zssr ('zsr train zssr-start' makes one)", file.origin));
  }
  Start start;
  start.width = file.find(name_of(0))->size(0);
  while (file.find(name_of(start.depth)) != nullptr) ++start.depth;
  const int64_t outputs = file.find(name_of(start.depth - 1))->size(0);
  start.scale = std::llround(std::sqrt(static_cast<double>(outputs) / 3.0));
  if (start.depth < 2 || start.scale < 2 || 3 * start.scale * start.scale != outputs) {
    throw InputError(fmt::format("'{}': a starting point of {} layers and {} outputs has no scale", file.origin,
                                 start.depth, outputs));
  }
  for (int64_t i = 0; i < start.depth; ++i) {
    const int64_t in = i == 0 ? 3 + kMaps : start.width;
    const int64_t out = i + 1 == start.depth ? outputs : start.width;
    start.weights.push_back(file.take(name_of(i), {out, in, 3, 3}));
  }
  return start;
}

torch::Tensor start_condition(const std::optional<BlurKernel>& kernel, double noise, int64_t scale, Phase phase) {
  const auto factor = static_cast<double>(scale);
  const auto code =
      kernel_code(kernel ? *kernel : make_kernel({.family = KernelFamily::kBicubic, .scale = factor}), factor);
  torch::Tensor maps = torch::empty({1, Start::kMaps, 1, 1});
  float* const values = maps.data_ptr<float>();
  std::copy(code.begin(), code.end(), values);
  values[code.size()] = static_cast<float>(noise / Start::kNoiseUnit);
  const double middle = 0.5 * (factor - 1.0);
  values[code.size() + 1] = static_cast<float>((phase.y - middle) / middle);
  values[code.size() + 2] = static_cast<float>((phase.x - middle) / middle);
  return maps;
}

torch::Tensor turned_condition(const torch::Tensor& condition, int64_t index) {
  std::array<float, kKernelCodeLength> code;
  const torch::Tensor plain = condition.to(torch::kCPU).contiguous();
  std::copy_n(plain.data_ptr<float>(), code.size(), code.begin());
  code = turned_code(code, index);
  torch::Tensor turned = plain.clone();
  float* const values = turned.data_ptr<float>();
  std::copy(code.begin(), code.end(), values);
  float& y = values[code.size() + 1];
  float& x = values[code.size() + 2];
  for (int64_t quarter = 0; quarter < (index & 3); ++quarter) {
    const float old_y = y;
    y = -x;
    x = old_y;
  }
  if (index >= 4) x = -x;
  return turned.to(condition.device());
}

}  // namespace zsr::zssr
