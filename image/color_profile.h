#pragma once

// Only for the files of this folder that talk to libvips.

#include "image/photo_codec.h"
#include "image/vips_image.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace zsr {

bool is_cmyk(VipsImage* image);

/// A CMYK image as sRGB of its own bit depth, alpha kept: through its embedded profile, or libvips' default one where
/// it has none that fits. Throws InputError naming `path`.
ImagePtr cmyk_to_srgb(VipsImage* image, const std::filesystem::path& path);

/// `pixels`, whose numbers mean what the ICC profile says, with the numbers of sRGB, gray staying gray. Empty where
/// they are the same already or the profile is of no use.
std::optional<PixelBuffer> converted_to_srgb(const PixelBuffer& pixels, std::string_view profile);

}  // namespace zsr
