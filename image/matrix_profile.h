#pragma once

#include <string>

namespace zsr {

/// Colour spaces that a profile can be made for.
enum class ProfileSpace {
  kSrgb,        ///< IEC 61966-2-1.
  kDisplayP3,   ///< P3's primaries, D65 white, sRGB's curve.
  kLinearSrgb,  ///< sRGB's primaries, linear.
};

/// An ICC profile of version 4 with a matrix and one curve (ICC.1:2010), as a file's bytes.
std::string matrix_profile(ProfileSpace space);

}  // namespace zsr
