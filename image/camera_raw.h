#pragma once

#include "image/tiff_directory.h"

#include <string>

namespace zsr {

/// What kind of camera raw file the bytes are, "DNG" or "Nikon NEF" for example; "TIFF with a reduced copy in front"
/// for a TIFF whose first picture is not the photo; empty for everything else. By marks in the file, not by its name.
std::string camera_raw_kind(const ByteSource& bytes);

}  // namespace zsr
