#pragma once

#include "image/photo.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// PU21, the perceptually uniform coding of Mantiuk and Azimi, "PU21: A novel perceptually uniform encoding for
/// adapting existing quality metrics for HDR" (PCS 2021), with the parameters that the authors recommend,
/// "banding_glare":
///   V = p7 ((p1 + p2 L^p4) / (1 + p3 L^p4))^p5 - p6 p7,
/// where L is light in cd/m2, clamped to [0.005, 10000]. 100 cd/m2 becomes about 256. Any shape, float64.
torch::Tensor pu21_of_light(const torch::Tensor& light);

/// How far an HDR image is from another, in dB; infinity for equal ones.
struct HdrMetrics {
  double pq_psnr = 0.0;    ///< PSNR of R'G'B' behind the PQ curve (ST 2084) of absolute light, peak 1 (10000 cd/m2).
  double pu21_psnr = 0.0;  ///< PSNR of R, G and B coded by PU21, peak 256 (as the authors' pu21_metric).
};
/// Compares absolute light, [1, 3, H, W] in cd/m2, of two images with the same primaries, without `shave` pixels on
/// every side. Throws InputError where the sizes differ or nothing is left.
HdrMetrics compare_light(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave);

/// The light of a photo in cd/m2, with the primaries `primaries`: of an HDR photo as its coding says; of an SDR photo
/// by sRGB's curve, its white at kHdrWhite, which is what BT.2408 recommends.
torch::Tensor light_of_photo(const Photo& photo, const Chromaticities& primaries);

/// Whether an SDR photo carries a colour profile whose curves are straight.
bool states_linear_light(const Photo& photo);

/// An SDR photo as linear light, [1, C, H, W] in [0, 1]: its values where it states linear light, else those of sRGB,
/// into which a colour profile is converted, without sRGB's curve (IEC 61966-2-1).
torch::Tensor linear_values(Photo photo);

/// How far two pictures of linear light are apart: values [1, C, H, W] in [0, 1].
struct LinearMetrics {
  double linear_psnr = 0.0;  ///< dB, of the values as they are.
  double srgb_psnr = 0.0;    ///< dB, of the values behind the curve of sRGB.
};
/// Errors like compare_light.
LinearMetrics compare_linear(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave);

}  // namespace zsr
