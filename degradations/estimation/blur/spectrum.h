#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>

namespace zsr::blur {

/// 0.299 R + 0.587 G + 0.114 B of `photo` [1, 1 or 3, h, w] in [0, 1] as [h, w] float32 on the CPU; gray stays.
torch::Tensor photo_luma(const torch::Tensor& photo);

/// The mean logarithm of a photo's power spectrum, from its textured windows.
struct LogSpectrum {
  static constexpr int64_t kWindow = 64;
  torch::Tensor log_power;   ///< [64, 33] float64, rows f_y = 0 .. 63 / 64 (wrapping), columns f_x = 0 .. 32 / 64.
  int64_t windows = 0;       ///< Windows it is the mean of.
  double window_energy = 0;  ///< Sum of the squared window function: power of white noise of variance 1.
};

/// Windows of 64 x 64 with half overlap under a Hann function, their mean taken away; the strongest two thirds count.
/// `image` [1, C, h, w] float32 in [0, 1], at least 64 x 64; luma is looked at.
LogSpectrum log_spectrum(const torch::Tensor& image);

/// Second moments of a Gaussian blur, in pixels of the photo, squared.
struct BlurMoments {
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
  double residual = 0.0;  ///< Root mean square of what the model leaves of the log spectrum.
  int64_t used = 0;       ///< Frequencies that were used.
};

/// Fits log P(f) = c - 2.4 log |f| - 4 pi^2 f' S f between `low` and `high` cycles per pixel: photos' spectra fall like
/// |f|^-2.4 (measured on photos; 2 is the classical figure), the rest is blur. `noise` is the standard deviation of
/// white noise in the photo's own units; its power is taken off first and frequencies where it is more than half are
/// left out.
BlurMoments fit_blur(const LogSpectrum& spectrum, double noise, double low = 0.08, double high = 0.42);

}  // namespace zsr::blur
