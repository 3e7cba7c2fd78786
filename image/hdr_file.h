#pragma once

// Only for the files of this folder.

#include "image/photo.h"

#include <filesystem>

namespace zsr {

/// save_photo() of an HDR photo, in a format that holds one.
void save_hdr(const Photo& photo, const std::filesystem::path& path, const WriteOptions& options);

}  // namespace zsr
