#pragma once

// Only for the files of this folder.

#include <cstdint>
#include <string>

namespace zsr {

/// An OpenEXR file of linear light in half floats, ZIP compressed, with the attributes chromaticities (BT.2020) and
/// whiteLuminance (`white`, the cd/m2 that 1.0 stands for). `planes`: `bands` planes of width * height values, red,
/// green, blue and, of four, alpha, which the colours are multiplied by already (OpenEXR's convention). Throws IoError.
std::string encode_exr(const float* planes, int bands, int64_t width, int64_t height, double white);

}  // namespace zsr
