#pragma once

#include "core/color_space.h"

#include <string>

namespace zsr {

/// An ICC profile of `space`, of version 4 with a matrix and one curve (ICC.1:2010), as a file's bytes.
std::string matrix_profile(ColorSpace space);

}  // namespace zsr
