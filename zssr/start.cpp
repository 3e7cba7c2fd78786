#include "zssr/start.h"

#include "core/error.h"
#include "degradations/kernel_code.h"
#include "degradations/kernel_families.h"
#include "networks/registry.h"
#include "networks/zssr.h"
#include "nn/parameter_file.h"
#include "nn/weights/shipped.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>

namespace zsr::zssr {

namespace {

constexpr const char* kStartKind = "zssr-start";

}  // namespace

nn::Graph Start::graph(int64_t colors) const {
  if (is_edsr) return networks::find_kind("edsr")->graph(config);
  return networks::zssr_start_graph(colors, width, blocks, scale);
}

torch::Tensor Start::parameters_for(int64_t colors) const {
  if (is_edsr || colors == 3) return parameters;
  const nn::Graph of_colors = graph(3);
  WeightsFile file = nn::to_weights(of_colors, parameters);
  for (NamedTensor& entry : file.tensors) {
    torch::Tensor& weight = entry.tensor;
    if (entry.name == "head.0.weight") {
      weight = torch::cat({weight.slice(1, 0, 3).sum(1, true), weight.slice(1, 3)}, 1);
    } else if (entry.name == "tail.weight") {
      weight = weight.view({3, -1, weight.size(1), 3, 3}).mean(0);
    }
  }
  return nn::take_parameters(graph(colors), file, name);
}

bool Start::is_start(const WeightsFile& file) {
  return networks::find_kind(kStartKind)->recognises(file);
}

Start Start::from_weights(const WeightsFile& file) {
  Start start;
  const networks::Kind* kind = networks::find_kind("edsr");
  auto config = kind->read(file);
  start.is_edsr = config.has_value();
  if (!config) {
    kind = networks::find_kind(kStartKind);
    config = kind->read(file);
  }
  if (!config) {
    throw InputError(fmt::format("'{}' holds no starting point of zssr ('zsr train zssr-start' makes one) and no EDSR",
                                 file.origin));
  }
  if (config->channels != 3) {
    throw InputError(fmt::format("'{}' is a network for luma; zssr begins with one for RGB", file.origin));
  }
  start.name = std::filesystem::path(file.origin).filename();
  start.config = *config;
  start.scale = config->scales[0];
  start.blocks = config->whole("depth");
  start.width = config->whole("width");
  if (start.blocks < 1 || start.scale < 2) {
    throw InputError(
        fmt::format("'{}': a starting point of {} residual blocks for x{}", file.origin, start.blocks, start.scale));
  }
  start.parameters = nn::take_parameters(start.graph(3), file, kind->title, kind->ignored);
  return start;
}

std::shared_ptr<const Start> Start::shipped(const std::string& name) {
  Start start = from_weights(shipped_weights(name));
  start.name = name;
  return std::make_shared<const Start>(std::move(start));
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
