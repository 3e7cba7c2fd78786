#pragma once

#include <cstdint>
#include <string>

namespace zsr {

// libvips 8.14 neither reads nor writes EXIF in TIFF files. An EXIF block *is* a small TIFF file, so both ways are a
// matter of copying directory entries. Only classic TIFF (under 4 GiB).

/// EXIF block (as in a JPEG's APP1: "Exif\0\0" and a little-endian TIFF) of the camera and author fields, the EXIF and
/// the GPS directory of the TIFF file `bytes`; empty when it has none or its structure is broken.
std::string exif_from_tiff(const std::string& bytes);

/// `tiff`, a whole little-endian TIFF file, with the fields of the EXIF block `exif` added to its first directory. The
/// EXIF size fields become `width` x `height`. Returns `tiff` unchanged when the block cannot be used.
std::string add_exif_to_tiff(const std::string& tiff, const std::string& exif, int64_t width, int64_t height);

}  // namespace zsr
