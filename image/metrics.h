#pragma once

#include <torch/types.h>

#include <string>

namespace zsr {

/// How two images are compared. The SR literature's default: luma of MATLAB's rgb2ycbcr, `shave` = scale pixels cut
/// from every side, peak 255 (Note [YCbCr range]).
struct MetricProtocol {
  enum class Luma {
    kFloat,    ///< Y kept as floating point (RCAN's and most later evaluation scripts).
    kInteger,  ///< Y rounded to integers, as MATLAB does for a uint8 image (SelfExSR's and older scripts).
  };
  int64_t shave = 0;  ///< >= 0, pixels.
  Luma luma = Luma::kFloat;
};

struct Metrics {
  double psnr_y = 0.0;  ///< dB; infinity for equal images.
  double ssim_y = 0.0;
  double psnr_rgb = 0.0;  ///< Over all channels; of two gray images: psnr_y.
  double ssim_rgb = 0.0;  ///< Mean of the channels.
};

/// PSNR in dB of two tensors of one shape, samples in [0, 1], everything counted.
double psnr(const torch::Tensor& a, const torch::Tensor& b);

/// SSIM (Wang et al. 2004) of two [N, C, H, W] tensors in [0, 1]: 11x11 Gaussian window of sigma 1.5, C1 = (0.01 *
/// 255)^2, C2 = (0.03 * 255)^2, mean over the valid part. NaN when the image is smaller than the window.
double ssim(const torch::Tensor& a, const torch::Tensor& b);

/// What SSIM is made of, means over the valid part of the window.
struct SsimTerms {
  double whole = 0.0;      ///< SSIM: luminance times contrast and structure.
  double structure = 0.0;  ///< Contrast times structure alone.
};
/// Of two [N, C, H, W] tensors in [0, 1], no side smaller than the window of 11 pixels.
SsimTerms ssim_terms(const torch::Tensor& a, const torch::Tensor& b);

/// Compares `result` with `reference`, both [1, C, H, W] in [0, 1] and equal in size (InputError otherwise). Where one
/// is gray and the other RGB, the gray one is compared as three equal channels, in luma too: equal pictures are equal
/// however they are stored. Computed in double precision.
Metrics compare_images(const torch::Tensor& result, const torch::Tensor& reference, const MetricProtocol& protocol);

/// One line that states the protocol, for reports.
std::string describe(const MetricProtocol& protocol);

}  // namespace zsr
