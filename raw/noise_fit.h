#pragma once

#include "raw/mosaic_pattern.h"
#include "raw/noise_model.h"
#include "raw/planes.h"

namespace zsr::raw {

/// Gain and read noise of raw `values` (0 black, 1 saturation), from the values alone: blocks of samples of one colour,
/// in each the variance of what changes fastest; of the blocks of like brightness those with the least texture; then a
/// weighted line through variance against brightness that is nowhere negative (after Foi et al. 2008 and Liu et al.,
/// "Automatic estimation and removal of noise from a single image", 2008). Saturated blocks are left out. Zero where
/// there are too few blocks (under 64 x 64 pixels) or no noise.
NoiseModel fit_noise(const Plane& values, const MosaicPattern& pattern);

}  // namespace zsr::raw
