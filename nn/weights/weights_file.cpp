#include "nn/weights/weights_file.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/types.h>

namespace zsr {

const torch::Tensor* WeightsFile::find(const std::string& name) const {
  for (const NamedTensor& entry : tensors) {
    if (entry.name == name) return &entry.tensor;
  }
  return nullptr;
}

torch::Tensor WeightsFile::take(const std::string& name, at::IntArrayRef shape) const {
  const torch::Tensor* const found = find(name);
  if (found == nullptr) throw InputError(fmt::format("'{}' has no tensor '{}'", origin, name));
  if (found->sizes() != shape) {
    throw InputError(fmt::format("'{}': tensor '{}' is [{}], expected [{}]", origin, name,
                                 fmt::join(found->sizes(), ", "), fmt::join(shape, ", ")));
  }
  torch::Tensor values = found->to(torch::kFloat32).contiguous();
  if (!torch::isfinite(values).all().item<bool>()) {
    throw InputError(
        fmt::format("'{}': tensor '{}' holds values that are not finite; the file is damaged, or its "
                    "training failed",
                    origin, name));
  }
  return values;
}

void WeightsFile::halve() {
  for (NamedTensor& entry : tensors) {
    if (!entry.tensor.is_floating_point()) continue;
    const torch::Tensor half = entry.tensor.to(torch::kFloat16);
    if (torch::isfinite(half).all().item<bool>()) entry.tensor = half;
  }
}

int64_t WeightsFile::parameter_count() const {
  int64_t count = 0;
  for (const NamedTensor& entry : tensors) count += entry.tensor.numel();
  return count;
}

}  // namespace zsr
