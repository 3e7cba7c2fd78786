#include "degradations/downsample.h"

#include <torch/torch.h>

#include <cmath>

namespace zsr {
namespace {

// Index list 0 .. length-1 continued by mirror images on both sides, the edge pixel repeated.
torch::Tensor symmetric_index(int64_t length, int64_t before, int64_t after, torch::Device device) {
  const torch::Tensor index = torch::arange(-before, length + after, torch::kInt64).remainder(2 * length);
  return torch::where(index.lt(length), index, 2 * length - 1 - index).to(device);
}

bool is_whole(double value) {
  return std::abs(value - std::round(value)) < 1e-9;
}

}  // namespace

torch::Tensor correlate(const torch::Tensor& image, const torch::Tensor& weights, int64_t stride_y, int64_t stride_x) {
  const int64_t rows = weights.size(0);
  const int64_t columns = weights.size(1);
  const torch::Tensor padded =
      image.index_select(2, symmetric_index(image.size(2), rows / 2, rows - 1 - rows / 2, image.device()))
          .index_select(3, symmetric_index(image.size(3), columns / 2, columns - 1 - columns / 2, image.device()));
  const int64_t planes = padded.size(0) * padded.size(1);
  const torch::Tensor filter = weights.to(image.device(), image.scalar_type()).view({1, 1, rows, columns});
  const torch::Tensor result =
      torch::conv2d(padded.reshape({planes, 1, padded.size(2), padded.size(3)}), filter, {}, {stride_y, stride_x});
  return result.view({image.size(0), image.size(1), result.size(2), result.size(3)});
}

torch::Tensor downsample(const torch::Tensor& image, const BlurKernel& kernel, Scale scale, std::optional<Size> size,
                         std::optional<Phase> phase) {
  const Size target = size.value_or(scaled_size({image.size(2), image.size(3)}, {1.0 / scale.y, 1.0 / scale.x}));
  if (is_whole(scale.y) && is_whole(scale.x)) {
    const torch::Tensor result = correlate(image, kernel.weights(), std::llround(scale.y), std::llround(scale.x));
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
