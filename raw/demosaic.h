#pragma once

#include "raw/mosaic_pattern.h"
#include "raw/noise_model.h"
#include "raw/planes.h"

#include <array>

namespace zsr::raw {

/// A mosaic that is ready for demosaicing: white balanced, so that gray has equal values in all colours.
struct Mosaic {
  Plane values;  ///< Black 0, white 1; may overshoot.
  MosaicPattern pattern;
  /// Noise of red, green and blue values.
  std::array<NoiseCurve, 3> noise{};

  bool noisy() const { return noise[0].any() || noise[1].any() || noise[2].any(); }
};

/// Linear interpolation of each colour by itself: the mean of the nearest samples for Bayer, a cone of radius three
/// pixels for X-Trans.
Rgb demosaic_bilinear(const Mosaic& mosaic);

/// The closed-form method of zsr, any size from 2 x 2. Bayer: colour differences along rows and columns, each smoothed
/// by what is linear minimum mean square error for its own noise, fused by their error (Zhang and Wu, "Color
/// demosaicking via directional linear minimum mean square-error estimation", IEEE TIP 2005). Differs from the paper:
/// red and blue follow green by colour differences, weighted by how little changes along each diagonal or axis.
/// X-Trans: means of what is near and alike. With noise, what comes out is denoised by transform shrinkage that knows
/// the noise's spectrum behind the demosaicing (denoise.h). Works in tiles on all threads: beside input and output a
/// few megabytes a thread.
Rgb demosaic(const Mosaic& mosaic);

/// The same without the denoising.
Rgb demosaic_without_denoising(const Mosaic& mosaic);

/// One sample a pixel of `rgb`, by `pattern`.
Plane mosaic_of(const Rgb& rgb, const MosaicPattern& pattern);

}  // namespace zsr::raw
