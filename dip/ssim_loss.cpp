#include "dip/ssim_loss.h"

#include <torch/types.h>

namespace zsr::dip {

torch::Tensor ssim_loss_similarity(const torch::Tensor& a, const torch::Tensor& b) {
  constexpr int64_t kSide = 11;
  constexpr double kSigma = 1.5;
  constexpr double kFirst = 0.01 * 0.01;
  constexpr double kSecond = 0.03 * 0.03;
  const int64_t channels = a.size(1);
  const torch::Tensor place = torch::arange(kSide, torch::kFloat32) - static_cast<double>(kSide / 2);
  torch::Tensor line = (-place.square() / (2.0 * kSigma * kSigma)).exp();
  line = (line / line.sum()).to(a.device());
  // The window is a product of two lines.
  const torch::Tensor down = line.view({1, 1, kSide, 1}).repeat({channels, 1, 1, 1});
  const torch::Tensor across = line.view({1, 1, 1, kSide}).repeat({channels, 1, 1, 1});
  const std::vector<int64_t> one = {1, 1};
  const auto mean = [&](const torch::Tensor& x) {
    const std::vector<int64_t> rows = {kSide / 2, 0};
    const std::vector<int64_t> columns = {0, kSide / 2};
    return torch::conv2d(torch::conv2d(x, down, {}, one, rows, one, channels), across, {}, one, columns, one, channels);
  };
  const torch::Tensor mean_a = mean(a);
  const torch::Tensor mean_b = mean(b);
  const torch::Tensor variances = mean(a * a) - mean_a * mean_a + mean(b * b) - mean_b * mean_b;
  const torch::Tensor covariance = mean(a * b) - mean_a * mean_b;
  return ((2.0 * mean_a * mean_b + kFirst) * (2.0 * covariance + kSecond) /
          ((mean_a * mean_a + mean_b * mean_b + kFirst) * (variances + kSecond)))
      .mean();
}

}  // namespace zsr::dip
