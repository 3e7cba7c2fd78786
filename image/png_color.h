#pragma once

#include "image/photo_codec.h"

#include <array>
#include <optional>
#include <string_view>

namespace zsr {

/// What the chunks gAMA and cHRM of a PNG file say about its colours (PNG specification, 4.3).
struct PngColor {
  double gamma = 0.45455;  ///< A stored value is the light raised to this power.
  /// x and y of white, red, green and blue; sRGB's where there is no cHRM.
  std::array<double, 8> primaries{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};
};

/// `chunks`: whole chunks one after the other. Nothing where they say that the colours are those of sRGB, or nothing,
/// or what cannot be.
std::optional<PngColor> png_color(std::string_view chunks);

/// The pixels with the numbers of sRGB; the white of the file becomes sRGB's (Bradford). Alpha stays.
PixelBuffer converted_to_srgb(const PixelBuffer& pixels, const PngColor& color);

}  // namespace zsr
