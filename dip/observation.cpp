#include "dip/observation.h"

#include "degradations/downsample.h"

#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace zsr::dip {

torch::Tensor lanczos_filter(int64_t scale) {
  constexpr double kLobes = 2.0;
  const int64_t taps = 4 * scale - scale % 2;
  torch::Tensor line = torch::empty({taps}, torch::kFloat64);
  for (int64_t i = 0; i < taps; ++i) {
    // Distance from the middle, in LR pixels.
    const double x =
        std::abs(static_cast<double>(i) + 0.5 - static_cast<double>(taps) / 2.0) / static_cast<double>(scale);
    const double angle = std::numbers::pi * x;
    line[i] = angle == 0.0 ? 1.0 : kLobes * std::sin(angle) * std::sin(angle / kLobes) / (angle * angle);
  }
  const torch::Tensor filter = torch::outer(line, line);
  return (filter / filter.sum()).to(torch::kFloat32);
}

Observation::Observation(const torch::Tensor& photo, const Options& options) : photo_(photo), scale_(options.scale) {
  if (options.mask.defined()) mask_ = options.mask.to(photo.device());
  const auto factor = static_cast<double>(scale_);
  if (options.kernel) {
    kernel_ = options.kernel->moved_to(options.phase.value_or(centered_phase({factor, factor})));
  } else if (scale_ > 1) {
    lanczos_ = lanczos_filter(scale_).to(photo.device()).repeat({photo.size(1), 1, 1, 1});
  }
}

torch::Tensor Observation::predict(const torch::Tensor& image) const {
  if (scale_ == 1) return image;
  const auto factor = static_cast<double>(scale_);
  if (kernel_) return downsample(image, *kernel_, {factor, factor}, Size{photo_.size(2), photo_.size(3)});
  const int64_t border = (lanczos_.size(2) - scale_) / 2;
  const std::vector<int64_t> stride = {scale_, scale_};
  const std::vector<int64_t> none = {0, 0};
  const std::vector<int64_t> dense = {1, 1};
  return torch::conv2d(torch::replication_pad2d(image, {border, border, border, border}), lanczos_, {}, stride, none,
                       dense, image.size(1));
}

torch::Tensor Observation::loss(const torch::Tensor& image) const {
  const torch::Tensor difference = predict(image) - photo_;
  return mask_.defined() ? (difference * mask_).square().mean() : difference.square().mean();
}

}  // namespace zsr::dip
