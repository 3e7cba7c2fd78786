#pragma once

#include "image/photo_codec.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zsr {

/// The second picture of a JPEG file that says how the first becomes HDR: Ultra HDR (Google, version 1.1) and ISO
/// 21496-1. The meaning of its pixels is kept as it came, since enlarging does not change it.
struct GainMap {
  PixelBuffer pixels;  ///< 8 bits, gray or RGB, turned like the photo.
  std::string xmp;     ///< Of the map: a packet with its parameters (hdrgm:GainMapMax, ...), or empty.
  std::string iso;     ///< Of the map: its parameters after ISO 21496-1, annex C, with the name in front; or empty.
};

/// The gain map in the bytes of a JPEG file, found by its index of pictures (MPF, CIPA DC-007) or by the lengths in its
/// XMP. Empty where it has none; `problem` then says why one that is mentioned cannot be used. `orientation`: EXIF
/// orientation of the photo, by which the map is turned too. Maps of more than `max_pixels` are not used.
std::optional<GainMap> read_gain_map(std::string_view file, int orientation, int64_t max_pixels, std::string& problem);

/// `jpeg`, a JPEG file of the first picture, with the map behind it: XMP (kept, with the lengths added), index of
/// pictures and, where the map has parameters after ISO 21496-1, its mark. Throws IoError.
std::string with_gain_map(const std::string& jpeg, const GainMap& map, int quality);

}  // namespace zsr
