#pragma once

#include "image/photo_codec.h"

#include <filesystem>
#include <string>
#include <vector>

namespace zsr {

/// What of the photo in `file`, whose header is `header`, is lost in a file of the format `target`, in words: "IPTC
/// data", "the colour profile", ... Empty: all of it is kept. Pages, transparency and bit depth are reported elsewhere.
std::vector<std::string> left_behind(const std::filesystem::path& file, const PhotoHeader& header, ImageFormat target,
                                     DynamicRange range = DynamicRange::kSdr);

/// The chunks of a PNG file that a PNG result keeps byte for byte: texts, and gamma and primaries where there is no
/// colour profile (`with_color`). Empty for other files.
std::string kept_png_chunks(const std::filesystem::path& file, bool with_color);

/// `png`, an encoded file, with these chunks behind its header.
std::string with_png_chunks(std::string png, const std::string& chunks);

}  // namespace zsr
