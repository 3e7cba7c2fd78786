#include "core/image/metrics.h"

#include "core/error.h"
#include "core/image/color.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

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

}  // namespace

double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const double mse = (a.to(torch::kFloat64) - b.to(torch::kFloat64)).square().mean().item<double>();
  return mse > 0.0 ? -10.0 * std::log10(mse) : std::numeric_limits<double>::infinity();
}

SsimTerms ssim_terms(const torch::Tensor& a, const torch::Tensor& b) {
  constexpr double kSigma = 1.5;
  const double c1 = 0.01 * 0.01;  // for samples in [0, 1]
  const double c2 = 0.03 * 0.03;
  const torch::Tensor offsets = torch::arange(kWindow, torch::kFloat64) - (kWindow - 1) / 2.0;
  torch::Tensor line = torch::exp(-offsets.square() / (2.0 * kSigma * kSigma));
  line = line / line.sum();
  const int64_t planes = a.size(0) * a.size(1);
  const auto blur = [&](const torch::Tensor& image) {
    return torch::conv2d(torch::conv2d(image, line.view({1, 1, kWindow, 1})), line.view({1, 1, 1, kWindow}));
  };
  const torch::Tensor x = a.to(torch::kFloat64).reshape({planes, 1, a.size(2), a.size(3)});
  const torch::Tensor y = b.to(torch::kFloat64).reshape({planes, 1, b.size(2), b.size(3)});
  const torch::Tensor mean_x = blur(x);
  const torch::Tensor mean_y = blur(y);
  const torch::Tensor variance_x = blur(x * x) - mean_x * mean_x;
  const torch::Tensor variance_y = blur(y * y) - mean_y * mean_y;
  const torch::Tensor covariance = blur(x * y) - mean_x * mean_y;
  const torch::Tensor structure = (2.0 * covariance + c2) / (variance_x + variance_y + c2);
  const torch::Tensor luminance = (2.0 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1);
  return {(luminance * structure).mean().item<double>(), structure.mean().item<double>()};
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
  const torch::Tensor a = shaved(result.to(torch::kFloat64), protocol.shave);
  const torch::Tensor b = shaved(reference.to(torch::kFloat64), protocol.shave);
  const auto to_luma = [&](const torch::Tensor& image) {
    const torch::Tensor y = luma(image);
    return protocol.luma == MetricProtocol::Luma::kInteger ? y.mul(255.0).add(0.5).floor().div(255.0) : y;
  };
  Metrics metrics;
  const torch::Tensor y_a = to_luma(a);
  const torch::Tensor y_b = to_luma(b);
  metrics.psnr_y = psnr(y_a, y_b);
  metrics.ssim_y = ssim(y_a, y_b);
  const bool same_channels = a.size(1) == b.size(1);
  metrics.psnr_rgb = same_channels ? psnr(a, b) : metrics.psnr_y;
  metrics.ssim_rgb = same_channels ? ssim(a.contiguous(), b.contiguous()) : metrics.ssim_y;
  return metrics;
}

std::string describe(const MetricProtocol& protocol) {
  return fmt::format("PSNR/SSIM on Y (MATLAB rgb2ycbcr, {}), {} px shaved per side, peak 255; SSIM 11x11 sigma 1.5",
                     protocol.luma == MetricProtocol::Luma::kInteger ? "rounded" : "floating point", protocol.shave);
}

}  // namespace zsr
