#include "core/error.h"
#include "degradations/filter.h"
#include "degradations/noise.h"

#include <fmt/format.h>
#include <torch/types.h>

namespace zsr {

torch::Tensor sharpen(const torch::Tensor& image, double weight, int64_t radius, double threshold) {
  if (!(weight >= 0.0) || radius < 1 || radius > 255 || !(threshold >= 0.0)) {
    throw OptionError(
        fmt::format("sharpening weight = {:g}, radius = {}, threshold = {:g}: weight and threshold must be "
                    ">= 0, radius 1 to 255",
                    weight, radius, threshold));
  }
  const int64_t size = radius + 1 - radius % 2;
  const double sigma = 0.3 * ((static_cast<double>(size) - 1.0) * 0.5 - 1.0) + 0.8;  // OpenCV, getGaussianKernel
  const torch::Tensor line = torch::arange(size, torch::kFloat64) - static_cast<double>(size / 2);
  torch::Tensor gaussian = torch::exp(-0.5 * line.square() / (sigma * sigma));
  gaussian = gaussian / gaussian.sum();
  const torch::Tensor weights = gaussian.unsqueeze(1) * gaussian.unsqueeze(0);
  const auto blurred = [&](const torch::Tensor& x) { return correlate(x, weights, {}, Border::kReflect); };
  const torch::Tensor difference = image - blurred(image);
  const torch::Tensor mask = blurred(difference.abs().mul(255.0).gt(threshold).to(torch::kFloat32));
  const torch::Tensor sharp = (image + difference * weight).clamp_(0.0, 1.0);
  return mask * sharp + (1.0 - mask) * image;
}

}  // namespace zsr
