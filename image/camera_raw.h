#pragma once

#include "image/tiff_directory.h"

#include <filesystem>
#include <string>

namespace zsr {

/// What kind of camera raw file the bytes are, "DNG" or "Nikon NEF" for example; "TIFF with a reduced copy in front"
/// for a TIFF whose first picture is not the photo; empty for everything else. By marks in the file, not by its name.
std::string camera_raw_kind(const ByteSource& bytes);

/// Whether the name of the file ends as one of those kinds does (.dng, .nef, .cr2, ..., in capitals or not). The file
/// is not looked at.
bool has_camera_raw_extension(const std::filesystem::path& path);

}  // namespace zsr
