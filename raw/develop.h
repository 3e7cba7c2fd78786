#pragma once

#include "core/color_space.h"
#include "raw/demosaic.h"
#include "raw/raw_file.h"

#include <functional>

namespace zsr::raw {

/// Makes red, green and blue of a mosaic, as `demosaic`.
using Demosaicing = std::function<Rgb(const Mosaic&)>;

struct DevelopOptions {
  ColorSpace space = ColorSpace::kSrgb;
  /// The noise of the raw values (fit_noise), which demosaicing is given; all zero: none is taken out.
  NoiseModel noise;
  /// Whether `demosaicing` works on square roots of the values, which makes noise and errors alike at all
  /// brightnesses; linear interpolation and AHD are defined on the values themselves.
  bool on_roots = true;
  Demosaicing demosaicing = demosaic;
  int64_t scale = 1;  ///< What `demosaicing` gives is larger than the mosaic by this factor.
};

/// Width and height of the developed photo, at scale 1.
UprightSize upright_size(const RawPhoto& photo);

/// Develops: white balance (values over the least saturated colour are cut), demosaicing, the camera's colour matrix,
/// clipping to [0, 1], the curve of the colour space, and turning upright. `out` holds 3 planes of the upright size,
/// times `scale`.
/// Works in strips: beside photo and result it takes what a strip of some hundred rows takes.
void develop(const RawPhoto& photo, const DevelopOptions& options, float* out);

/// The same of colours that are demosaiced already, white-balanced and linear.
void develop_colors(const Rgb& colors, const RawPhoto& photo, ColorSpace space, float* out);

/// The curve between linear values and those that are demosaiced: a square root from a small offset on, straight below,
/// so that values below black keep theirs; 0 and 1 stay. The offset is the one at which the noise is the same
/// everywhere (Anscombe's transform; Murtagh, Starck and Bijaoui 1995 for Gaussian read noise), at least 0.002.
class RootCurve {
 public:
  explicit RootCurve(const NoiseModel& noise);
  float root(float linear) const;
  float linear(float root) const;
  /// Of noise with that model (of linear values behind a gain of the white balance), behind the curve.
  NoiseCurve noise_behind(const NoiseModel& raw, double gain) const;

 private:
  float slope_at_knee() const;
  float offset_ = 0.002F;
  float scale_ = 1.0F;
  float shift_ = 0.0F;
};

}  // namespace zsr::raw
