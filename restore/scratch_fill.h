#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::restore {

struct FilledPhoto {
  torch::Tensor image;  ///< As the photo; the same values where the mask is good.
  int64_t regions = 0;  ///< Connected regions that were filled.
  double part = 0.0;    ///< Filled pixels over all pixels, in [0, 1].
};

/// Fills what `mask` ([1, 1, h, w]; above 0.5 = good, else to be filled) marks in `photo` ([1, C, h, w] float32 in [0,
/// 1]) from its surroundings, channel by channel: Bertalmio, Bertozzi and Sapiro, "Navier-Stokes, fluid dynamics, and
/// image and video inpainting", CVPR 2001, by OpenCV. Made for lines and specks: wide holes come out smeared. Throws
/// OptionError when the sizes differ or nothing of the photo is good.
FilledPhoto fill_scratches(const torch::Tensor& photo, const torch::Tensor& mask);

}  // namespace zsr::restore
