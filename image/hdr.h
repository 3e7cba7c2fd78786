#pragma once

#include <torch/types.h>

namespace zsr {

/// Note [HDR values]
/// The colours of an HDR photo are R'G'B' with the primaries of ITU-R BT.2020 behind the curve of SMPTE ST 2084 (PQ),
/// [1, 3, H, W] in [0, 1]. They mean absolute light: 0 is black, 1 is 10000 cd/m2.

/// Luminance of diffuse white in HDR (ITU-R BT.2408), cd/m2: 1.0 in OpenEXR files.
constexpr double kHdrWhite = 203.0;
/// Luminance of the PQ value 1, cd/m2.
constexpr double kPqPeak = 10000.0;

/// Light in cd/m2, [0, 10000], of PQ values in [0, 1], of any shape; computed and returned in float64.
torch::Tensor light_of_pq(const torch::Tensor& encoded);
/// The inverse: PQ values, float64, of light, which is clamped to [0, 10000].
torch::Tensor pq_of_light(const torch::Tensor& light);

/// [N, 3, H, W] R'G'B' of BT.709 in [0, 1] -> Y'CbCr of BT.709 in studio range: codes of 8 bits / 255, not rounded
/// (Y in 16 to 235, Cb and Cr in 16 to 240). sRGB values are taken for R'G'B' of BT.709, whose colours are the same.
torch::Tensor studio_codes_of_rgb(const torch::Tensor& rgb);
/// [N, 3, H, W] Y'CbCr of BT.2020 (not constant luminance) in studio range, codes of 10 bits / 1023 (Y in 64 to 940, Cb
/// and Cr in 64 to 960) -> R'G'B' of BT.2020, clamped to [0, 1].
torch::Tensor hdr_rgb_of_studio_codes(const torch::Tensor& codes);
/// [N, 3, H, W] R'G'B' of BT.2020 -> Y' in [0, 1], Cb and Cr in [-0.5, 0.5] (not constant luminance).
torch::Tensor hdr_ycbcr(const torch::Tensor& rgb);

/// How bright an HDR photo is, cd/m2.
struct LightLevels {
  double peak = 0.0;  ///< Of the brightest pixel.
  double mean = 0.0;  ///< Of all pixels.
};
/// Luminance of BT.2020 over `rgb`, [1, 3, H, W] as in Note [HDR values].
LightLevels light_levels(const torch::Tensor& rgb);

}  // namespace zsr
