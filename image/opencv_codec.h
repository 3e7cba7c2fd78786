#pragma once

#include "image/photo_codec.h"

#include <filesystem>
#include <string>

namespace zsr {

// BMP through OpenCV: libvips reads it only by way of ImageMagick, which is not for untrusted files.

/// Header of a BMP file. Throws InputError when it is cut off or its size makes no sense.
PhotoHeader read_bmp_header(const std::filesystem::path& path);

/// Pixels of a BMP file as gray, RGB or RGB + alpha, 8 bit. Throws InputError for damaged files.
PixelBuffer decode_bmp(const std::filesystem::path& path);

/// Writes 8-bit `pixels` as BMP; zeros stand for an unknown resolution. Throws IoError naming `target`.
void encode_bmp(const PixelBuffer& pixels, const Resolution& resolution, const std::filesystem::path& target,
                int descriptor);

/// 8-bit gray or RGB `pixels` as PNG, quickly packed.
std::string encode_png_bytes(const PixelBuffer& pixels);

}  // namespace zsr
