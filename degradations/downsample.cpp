#include "degradations/downsample.h"

#include "degradations/filter.h"

#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 1e-9;
}

}  // namespace

torch::Tensor downsample(const torch::Tensor& image, const BlurKernel& kernel, Scale scale, std::optional<Size> size,
                         std::optional<Phase> phase) {
  const Size target = size.value_or(scaled_size({image.size(2), image.size(3)}, {1.0 / scale.y, 1.0 / scale.x}));
  if (is_whole(scale.y) && is_whole(scale.x)) {
    const torch::Tensor result = correlate(image, kernel.weights(), {std::llround(scale.y), std::llround(scale.x)});
    return result.slice(2, 0, target.height).slice(3, 0, target.width);
  }
  const torch::Tensor blurred = correlate(image, kernel.weights());
  // Pixel n of `blurred` shows the scene at n + kernel phase, so position p of the scene is read at p - kernel phase.
  const Phase wanted = phase.value_or(centered_phase(scale));
  const Phase own = kernel.phase();
  ResizeOptions options;
  options.antialias = false;
  options.phase = Phase{wanted.y - own.y, wanted.x - own.x};
  return imresize(blurred, {1.0 / scale.y, 1.0 / scale.x}, target, options);
}

}  // namespace zsr
