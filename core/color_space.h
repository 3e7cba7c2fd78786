#pragma once

#include <string>

namespace zsr {

/// What the red, green and blue values of a photo mean.
enum class ColorSpace {
  kSrgb,        ///< IEC 61966-2-1.
  kDisplayP3,   ///< P3's primaries and D65 white with sRGB's curve.
  kLinearSrgb,  ///< sRGB's primaries, linear light.
};

/// "srgb", "display-p3" or "linear". Throws OptionError for others.
ColorSpace color_space_from_name(const std::string& name);

}  // namespace zsr
