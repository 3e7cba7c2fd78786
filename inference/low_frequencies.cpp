#include "inference/low_frequencies.h"

#include "degradations/filter.h"
#include "degradations/kernel_families.h"

namespace zsr::inference {

torch::Tensor with_low_frequencies_of(const torch::Tensor& photo, const torch::Tensor& image, Scale scale) {
  constexpr double kSigma = 4.0;  // photo pixels
  const torch::Tensor down = imresize(image, {1.0 / scale.y, 1.0 / scale.x}, Size{photo.size(2), photo.size(3)});
  const torch::Tensor kernel = gaussian_kernel(25, kSigma, kSigma).weights();
  const torch::Tensor miss = correlate(photo - down, kernel, {}, Border::kReplicate);
  return imresize(miss, scale, Size{image.size(2), image.size(3)}).add_(image);
}

}  // namespace zsr::inference
