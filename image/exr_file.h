#pragma once

// Only for the files of this folder.

#include "image/hdr_coding.h"
#include "image/photo_codec.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// An OpenEXR file of linear light, ZIP compressed, with the attributes chromaticities and whiteLuminance of `coding`;
/// samples are 32-bit floats where coding.bits is 32, else half floats. `planes`: `bands` planes of width * height
/// values, red, green, blue and, of four, alpha, which the colours are multiplied by already (OpenEXR's convention).
/// Throws IoError.
std::string encode_exr(const float* planes, int bands, int64_t width, int64_t height, const HdrCoding& coding);

/// The header of an OpenEXR file: size, channels (a gray file counts as RGB), bits (16: half, 32: float) and coding.
/// Throws InputError where it is damaged, or holds no picture in R, G, B or in Y.
PhotoHeader read_exr_header(const std::filesystem::path& path);

/// Its pixels: 32-bit floats, RGB or RGB + alpha. Where alpha is 0 the colours stay, elsewhere they are divided by it.
/// Throws InputError.
PixelBuffer decode_exr(const std::filesystem::path& path, std::vector<std::string>& notes);

}  // namespace zsr
