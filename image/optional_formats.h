#pragma once

// Only for the files of this folder that talk to libvips.

#include "image/photo_codec.h"
#include "image/vips_image.h"

namespace zsr {

/// HEIC, AVIF and JPEG XL: whether libvips can read and write them depends on the machine.
bool is_optional(ImageFormat format);

/// Whether a picture of that format, or a GIF, can be made here; found once, by making one.
bool can_encode(ImageFormat format);

/// Whether EXIF and XMP survive in it; libvips gained that for JPEG XL later.
bool keeps_metadata(ImageFormat format);

/// Encodes the image. 0 when libvips saw no error; what it made may be without a picture (`holds_picture`).
int write_optional(VipsImage* image, VipsTarget* output, ImageFormat format, const EncodeOptions& options);

/// Encodes the image, of one or several frames. 0 when all went well.
int write_gif(VipsImage* image, VipsTarget* output);

/// Whether libvips can read an encoded file's header: libheif's encoders can fail without a word.
bool holds_picture(const std::string& encoded);

/// The image with XMP where libvips looks for it; in HEIC and AVIF it reads it as nameless text.
ImagePtr with_heif_xmp(ImagePtr image);

}  // namespace zsr
