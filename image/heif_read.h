#pragma once

// Only for the files of this folder.

#include "image/photo_codec.h"

#include <filesystem>
#include <optional>

namespace zsr {

/// What an AVIF or HEIC file says of its colours, in codes of ITU-T H.273; 2: not stated.
struct HeifSignal {
  int primaries = 2;
  int transfer = 2;
  int matrix = 2;
  int bits = 8;  ///< Per sample.
};

/// Of the first picture, as its box says, or where that is silent on more than 8 bits and has no ICC profile, as its
/// coded data say. Empty where the file cannot be read.
std::optional<HeifSignal> heif_signal(const std::filesystem::path& path);

/// The first picture as R'G'B', 32-bit floats in [0, 1], with or without alpha, upright, in the codes that libheif
/// decodes. Throws InputError naming `path`.
PixelBuffer decode_heif_values(const std::filesystem::path& path, const HeifSignal& signal);

/// libheif before 1.16 repeats each sample of colour that was coded at half the width, or half width and height, of
/// `pixels` (as above, `bits` of the codes, `matrix` of H.273). Where all samples are repeated so, they are put in the
/// middle of theirs and interpolated linearly between; elsewhere nothing changes. Luma stays.
void interpolate_halved_colour(PixelBuffer& pixels, int bits, int matrix);

}  // namespace zsr
