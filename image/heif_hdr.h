#pragma once

// Only for the files of this folder.

#include "image/photo_codec.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace zsr {

/// Y'CbCr by the matrix of BT.2020, not constant luminance, in whole numbers of `bit_depth` bits, full range.
struct CodePlanes {
  int64_t width = 0;
  int64_t height = 0;
  int bit_depth = 10;                           ///< 10 or 12.
  int primaries = 9;                            ///< Code of ITU-T H.273.
  int transfer = 16;                            ///< Likewise.
  bool half_color = false;                      ///< Cb and Cr have half the width and height, rounded up (4:2:0).
  std::array<std::vector<uint16_t>, 4> planes;  ///< Y, Cb, Cr, alpha; the last may be empty.
};

/// What a file carries beside its pixels; either may be empty.
struct HeifTexts {
  std::string exif;  ///< A TIFF file, without "Exif" in front.
  std::string xmp;
};

/// An AVIF or HEIC file of them, which signals their primaries and transfer, matrix 9 of ITU-T H.273, and full
/// range.
/// `quality`: 1 to 100, 100 = lossless. Throws IoError with libheif's reason.
std::string encode_heif(const CodePlanes& codes, ImageFormat format, int quality, const HeifTexts& texts = {});
/// Whether libheif has an encoder for it here; found once, by making a small picture.
bool can_encode_heif(ImageFormat format, int bit_depth);
/// Of libheif, e.g. "1.15.1".
std::string heif_version();

}  // namespace zsr
