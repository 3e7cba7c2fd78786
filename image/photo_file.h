#pragma once

#include "image/photo_codec.h"

#include <filesystem>

namespace zsr {

/// The format of a photo file by its first bytes, whatever its name. Throws IoError (missing, unreadable, no regular
/// file) or InputError (empty, or no photo that zsr reads).
ImageFormat sniff_photo(const std::filesystem::path& path);

}  // namespace zsr
