#include "zssr/formation.h"

#include "degradations/downsample.h"
#include "inference/tiles.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace zsr::zssr {

Formation::Formation(Scale scale, const std::optional<BlurKernel>& kernel, std::optional<Phase> phase)
    : scale_(scale), phase_(phase), symmetric_(true) {
  const Phase wanted = phase.value_or(centered_phase(scale));
  if (kernel) {
    kernel_ = kernel->moved_to(wanted);
    symmetric_ = kernel_->is_symmetric();
  }
  // A corner grid turned around has its pixels in the other corner.
  if (!(wanted == centered_phase(scale))) symmetric_ = false;
}

Formation Formation::shifted(Phase by) const {
  Formation result = *this;
  if (by.y == 0.0 && by.x == 0.0) return result;
  const Phase now = phase();
  result.phase_ = Phase{now.y + by.y, now.x + by.x};
  return result;
}

torch::Tensor Formation::down(const torch::Tensor& image, Size size) const {
  if (kernel_) return downsample(image, *kernel_, scale_, size, phase_);
  ResizeOptions options;
  options.phase = phase_;
  return imresize(image, {1.0 / scale_.y, 1.0 / scale_.x}, size, options);
}

torch::Tensor Formation::up(const torch::Tensor& image, Size size) const {
  return up(image, size, phase());
}

torch::Tensor Formation::up(const torch::Tensor& image, Size size, Phase phase) const {
  ResizeOptions options;
  options.phase = phase;
  return imresize(image, scale_, size, options);
}

int64_t Formation::radius() const {
  constexpr int64_t kCubicRadius = 2;
  if (!kernel_) return kCubicRadius;
  const double y = static_cast<double>(kernel_->height()) / 2.0 / scale_.y;
  const double x = static_cast<double>(kernel_->width()) / 2.0 / scale_.x;
  return std::max(kCubicRadius, static_cast<int64_t>(std::ceil(std::max(y, x))));
}

int64_t Formation::reach(int64_t iterations) const {
  // Each time, before and after the ensemble, reaches two radii further, but what comes from there is damped: past 32
  // LR pixels it stays under 1e-5 (tested).
  return std::min<int64_t>(4 * iterations * radius(), 32);
}

torch::Tensor Formation::back_project(const torch::Tensor& sr, const torch::Tensor& lr, int64_t iterations) const {
  const Size low{lr.size(2), lr.size(3)};
  const Size high{sr.size(2), sr.size(3)};
  torch::Tensor result = sr;
  torch::Tensor before;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < iterations; ++i) {
    const torch::Tensor miss = lr - down(result, low);
    // Wide and ragged kernels turn the correction against itself: then it ends where it was best.
    const double now = miss.square().mean().item<double>();
    if (now > least) return before;
    least = now;
    before = result;
    result = (result + up(miss, high)).clamp_(0.0, 1.0);
  }
  return result;
}

torch::Tensor Formation::back_project_tiled(const torch::Tensor& sr, const torch::Tensor& lr, int64_t iterations,
                                            int64_t tile) const {
  if (iterations == 0) return sr;
  const int64_t halo = reach(iterations);
  torch::Tensor result = torch::empty_like(sr);
  for (const inference::Span& row : inference::split(lr.size(2), sr.size(2), scale_.y, {tile, halo})) {
    for (const inference::Span& column : inference::split(lr.size(3), sr.size(3), scale_.x, {tile, halo})) {
      const torch::Tensor low =
          lr.slice(2, row.read_begin, row.read_end).slice(3, column.read_begin, column.read_end).contiguous();
      const torch::Tensor high =
          sr.slice(2, row.hr_begin, row.hr_end).slice(3, column.hr_begin, column.hr_end).contiguous();
      const Formation here = shifted({row.phase_shift, column.phase_shift});
      inference::paste(result, here.back_project(high, low, iterations), row, column);
    }
  }
  return result;
}

}  // namespace zsr::zssr
