#include "image/metrics.h"

#include "core/error.h"
#include "image/color.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace zsr {
namespace {

constexpr int64_t kWindow = 11;  // of SSIM

torch::Tensor shaved(const torch::Tensor& image, int64_t shave) {
  const int64_t height = image.size(2);
  const int64_t width = image.size(3);
  if (2 * shave >= height || 2 * shave >= width) {
    throw InputError(
        fmt::format("an image of {}x{} is too small to cut {} pixels from every side", width, height, shave));
  }
  return image.slice(2, shave, height - shave).slice(3, shave, width - shave);
}

// One row of SSIM's map: local moments by the Gaussian window, down first and then along the row.
class SsimRow {
 public:
  explicit SsimRow(int64_t width) : width_(width) {
    constexpr double kSigma = 1.5;
    double sum = 0.0;
    for (size_t k = 0; k < weights_.size(); ++k) {
      const double offset = static_cast<double>(k) - (kWindow - 1) / 2.0;
      weights_[k] = std::exp(-offset * offset / (2.0 * kSigma * kSigma));
      sum += weights_[k];
    }
    for (double& weight : weights_) weight /= sum;
    for (auto& moment : down_) moment.resize(static_cast<size_t>(width));
    for (auto& moment : along_) moment.resize(static_cast<size_t>(width - kWindow + 1));
  }

  /// Of the window's rows from `x` and `y` on, which lie `width` apart.
  SsimTerms sums(const double* x, const double* y) {
    for (auto& moment : down_) std::fill(moment.begin(), moment.end(), 0.0);
    for (int64_t k = 0; k < kWindow; ++k) {
      const double weight = weights_[static_cast<size_t>(k)];
      const double* const p = x + k * width_;
      const double* const q = y + k * width_;
      for (size_t i = 0; i < static_cast<size_t>(width_); ++i) {
        const double u = weight * p[i];
        const double v = weight * q[i];
        down_[0][i] += u;
        down_[1][i] += v;
        down_[2][i] += u * p[i];
        down_[3][i] += v * q[i];
        down_[4][i] += u * q[i];
      }
    }
    for (size_t m = 0; m < along_.size(); ++m) {
      std::fill(along_[m].begin(), along_[m].end(), 0.0);
      for (size_t k = 0; k < weights_.size(); ++k) {
        for (size_t i = 0; i < along_[m].size(); ++i) along_[m][i] += weights_[k] * down_[m][i + k];
      }
    }
    constexpr double kC1 = 0.01 * 0.01;  // for samples in [0, 1]
    constexpr double kC2 = 0.03 * 0.03;
    SsimTerms sums;
    for (size_t i = 0; i < along_[0].size(); ++i) {
      const double mean_x = along_[0][i];
      const double mean_y = along_[1][i];
      const double variances = along_[2][i] - mean_x * mean_x + along_[3][i] - mean_y * mean_y;
      const double covariance = along_[4][i] - mean_x * mean_y;
      const double structure = (2.0 * covariance + kC2) / (variances + kC2);
      const double luminance = (2.0 * mean_x * mean_y + kC1) / (mean_x * mean_x + mean_y * mean_y + kC1);
      sums.whole += luminance * structure;
      sums.structure += structure;
    }
    return sums;
  }

 private:
  int64_t width_;
  std::array<double, kWindow> weights_{};
  std::array<std::vector<double>, 5> down_, along_;  // x, y, x^2, y^2, xy
};

}  // namespace

double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const double mse = (a.to(torch::kFloat64) - b.to(torch::kFloat64)).square().mean().item<double>();
  return mse > 0.0 ? -10.0 * std::log10(mse) : std::numeric_limits<double>::infinity();
}

SsimTerms ssim_terms(const torch::Tensor& a, const torch::Tensor& b) {
  const auto plane = [](const torch::Tensor& image) {
    return image.to(torch::kCPU, torch::kFloat64).reshape({-1, image.size(2), image.size(3)}).contiguous();
  };
  const torch::Tensor x = plane(a);
  const torch::Tensor y = plane(b);
  const int64_t planes = x.size(0);
  const int64_t rows = x.size(1) - kWindow + 1;
  const int64_t width = x.size(2);
  // Sums of every row of the map, added up in order at the end: the same for any number of threads.
  std::vector<SsimTerms> sums(static_cast<size_t>(planes * rows));
  at::parallel_for(0, planes * rows, 16, [&](int64_t begin, int64_t end) {
    SsimRow row(width);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = (i / rows * x.size(1) + i % rows) * width;
      sums[static_cast<size_t>(i)] = row.sums(x.data_ptr<double>() + at, y.data_ptr<double>() + at);
    }
  });
  SsimTerms mean;
  for (const SsimTerms& sum : sums) {
    mean.whole += sum.whole;
    mean.structure += sum.structure;
  }
  const auto count = static_cast<double>(planes * rows * (width - kWindow + 1));
  return {mean.whole / count, mean.structure / count};
}

double ssim(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.size(2) < kWindow || a.size(3) < kWindow) return std::numeric_limits<double>::quiet_NaN();
  return ssim_terms(a, b).whole;
}

Metrics compare_images(const torch::Tensor& result, const torch::Tensor& reference, const MetricProtocol& protocol) {
  if (result.size(2) != reference.size(2) || result.size(3) != reference.size(3)) {
    throw InputError(fmt::format("the images differ in size: {}x{} against {}x{}", result.size(3), result.size(2),
                                 reference.size(3), reference.size(2)));
  }
  const auto [a, b] = with_equal_channels(shaved(result.to(torch::kFloat64), protocol.shave),
                                          shaved(reference.to(torch::kFloat64), protocol.shave));
  const auto to_luma = [&](const torch::Tensor& image) {
    const torch::Tensor y = luma(image);
    return protocol.luma == MetricProtocol::Luma::kInteger ? y.mul(255.0).add(0.5).floor().div(255.0) : y;
  };
  Metrics metrics;
  const torch::Tensor y_a = to_luma(a);
  const torch::Tensor y_b = to_luma(b);
  metrics.psnr_y = psnr(y_a, y_b);
  metrics.ssim_y = ssim(y_a, y_b);
  metrics.psnr_rgb = psnr(a, b);
  metrics.ssim_rgb = ssim(a.contiguous(), b.contiguous());
  return metrics;
}

std::string describe(const MetricProtocol& protocol) {
  return fmt::format("PSNR/SSIM on Y (MATLAB rgb2ycbcr, {}), {} px shaved per side, peak 255; SSIM 11x11 sigma 1.5",
                     protocol.luma == MetricProtocol::Luma::kInteger ? "rounded" : "floating point", protocol.shave);
}

}  // namespace zsr
