#pragma once

// Only for the files of this folder.

#include "image/photo_codec.h"

#include <filesystem>
#include <string_view>

namespace zsr {

/// Fills `hdr`, and what follows from it, of the header of a PNG, TIFF, AVIF, HEIC or other file that libvips reads;
/// `profile`: its ICC profile or nothing. Where several say something: nclx comes before cICP and that before the
/// profile. A file of floating-point samples holds linear light. Throws InputError where its profile says otherwise.
void find_hdr(const std::filesystem::path& path, std::string_view profile, PhotoHeader& header);

}  // namespace zsr
