#pragma once

#include "image/photo_codec.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace zsr {

/// The resolution that a photo's file states: PNG's pHYs, JFIF's density, TIFF's and EXIF's fields, the BMP header.
/// EXIF goes before JFIF where it states a unit. `exif`: the photo's EXIF block, or empty. A file that states none, or
/// none with a unit, is of unknown resolution. Reads a few hundred bytes of the file; throws nothing.
Resolution read_resolution(const std::filesystem::path& file, ImageFormat format, std::string_view exif);

/// An encoded PNG, JPEG, TIFF or WebP file without the resolution that its writer put in; the EXIF block in it too.
std::string without_resolution(std::string file, ImageFormat format);

/// The bytes of a JPEG XL file without its EXIF block, which libvips invents (8.16: to state one pixel per millimetre).
std::string without_jxl_exif(std::string file);

}  // namespace zsr
