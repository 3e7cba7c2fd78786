#pragma once

#include "image/photo_codec.h"

#include <memory>
#include <string_view>

namespace zsr {

/// Metadata of a photo that was made and not read: an EXIF block (a TIFF file, without "Exif" in front) and an ICC
/// profile; either may be empty. The resolution is unknown.
std::shared_ptr<const PhotoMetadata> made_metadata(std::string_view exif, std::string_view profile);

/// `metadata` (may be null) of a photo whose pixels are HDR in `coding`, for a PNG or TIFF file: what was said of its
/// colours is replaced by a cICP chunk or an ICC profile.
std::shared_ptr<const PhotoMetadata> hdr_metadata(const PhotoMetadata* metadata, ImageFormat format,
                                                  const HdrCoding& coding);

}  // namespace zsr
