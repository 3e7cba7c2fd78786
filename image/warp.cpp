#include "image/warp.h"

#include <opencv2/imgproc.hpp>
#include <torch/types.h>

namespace zsr {

Affine multiply(const Affine& a, const Affine& b) {
  Affine product{};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) {
      for (size_t k = 0; k < 3; ++k) product[row * 3 + column] += a[row * 3 + k] * b[k * 3 + column];
    }
  }
  return product;
}

torch::Tensor warp_affine(const torch::Tensor& image, const Affine& forward, int64_t height, int64_t width) {
  const torch::Tensor input = image.to(torch::kCPU, torch::kFloat32).contiguous();
  const int64_t channels = input.size(1);
  torch::Tensor output = torch::empty({1, channels, height, width}, torch::kFloat32);
  const cv::Mat matrix(2, 3, CV_64F, const_cast<double*>(forward.data()));
  for (int64_t channel = 0; channel < channels; ++channel) {
    const cv::Mat from(static_cast<int>(input.size(2)), static_cast<int>(input.size(3)), CV_32F,
                       input[0][channel].data_ptr<float>());
    cv::Mat to(static_cast<int>(height), static_cast<int>(width), CV_32F, output[0][channel].data_ptr<float>());
    cv::warpAffine(from, to, matrix, to.size(), cv::INTER_CUBIC, cv::BORDER_CONSTANT, cv::Scalar::all(0.0));
  }
  return output;
}

}  // namespace zsr
