#pragma once

#include "image/hdr_coding.h"
#include "image/photo_codec.h"

#include <torch/types.h>

#include <string>
#include <vector>

namespace zsr {

/// Note [HDR values]
/// The colours of an HDR photo are R'G'B', [1, 3, H, W] in [0, 1], behind a curve that is about uniform to the eye:
/// that of SMPTE ST 2084 (PQ), in which 1 is 10000 cd/m2, or for photos in HLG that of ITU-R BT.2100. The primaries are
/// those of the photo's file (HdrCoding; of photos that are made HDR here, BT.2020). Linear light is stored as PQ of
/// it. Networks trained on sRGB values work on these values as they are.

/// Luminance of the PQ value 1, cd/m2.
constexpr double kPqPeak = 10000.0;

/// Light in cd/m2, [0, 10000], of PQ values in [0, 1], of any shape; computed and returned in float64.
torch::Tensor light_of_pq(const torch::Tensor& encoded);
/// The inverse: PQ values, float64, of light, which is clamped to [0, 10000].
torch::Tensor pq_of_light(const torch::Tensor& light);

/// Light in cd/m2, [1, 3, H, W] float32, of an HDR photo's values in memory. HLG: as on a display of 1000 cd/m2 (ITU-R
/// BT.2100, table 5: system gamma 1.2, black 0).
torch::Tensor light_of(const torch::Tensor& color, const HdrCoding& coding);

/// The values in memory, as in Note [HDR values], of linear values of a file, [1, 3, H, W] of any range; sets
/// coding.exposure. Negative values and those that are no numbers become 0; where light is above 10000 cd/m2, exposure
/// is lowered, by up to four stops, and what is brighter still is clipped. `notes` says so, naming the file `name`.
torch::Tensor values_of_linear(const torch::Tensor& linear, HdrCoding& coding, const std::string& name,
                               std::vector<std::string>& notes);

/// What a file of `format` can hold of a photo in `coding`: linear light in OpenEXR, and in TIFF where it came from
/// linear light; PQ elsewhere, with the primaries of BT.2020 where the photo's have no code; HLG stays but in OpenEXR.
HdrCoding coding_in(ImageFormat format, const HdrCoding& coding);

/// The values of a file in coding `to`, [1, 3, H, W] float32, of a photo's values in memory: linear ones are not
/// limited, others lie in [0, 1].
torch::Tensor recoded(const torch::Tensor& color, const HdrCoding& from, const HdrCoding& to);

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
/// Luminance over `color`, [1, 3, H, W] as in Note [HDR values].
LightLevels light_levels(const torch::Tensor& color, const HdrCoding& coding = {});

}  // namespace zsr
