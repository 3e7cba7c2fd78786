#include "pipeline/kernel_check.h"

#include "zssr/zssr.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::pipeline {

KernelCheck check_kernel(const torch::Tensor& color, const BlurKernel& kernel, double scale,
                         const RunContext& context) {
  constexpr int64_t kSide = 256;
  constexpr int64_t kSteps = 150;
  constexpr double kPoint = 0.3;
  const auto middle = [&](const torch::Tensor& image, int64_t dim) {
    const int64_t length = std::min(kSide, image.size(dim));
    return image.narrow(dim, (image.size(dim) - length) / 2, length);
  };
  const torch::Tensor part = middle(middle(color, 2), 3).contiguous();
  const auto consistency = [&](std::vector<BlurKernel> kernels) {
    zssr::Options options = zssr::preset("default", {scale, scale});
    options.training.max_steps = kSteps;
    options.output.self_ensemble = false;
    options.output.back_projection = 0;
    options.kernels = std::move(kernels);
    return zssr::run(part, options, context).consistency_db;
  };
  return {consistency({kernel}), consistency({}), consistency({gaussian_kernel(7, kPoint, kPoint)})};
}

}  // namespace zsr::pipeline
