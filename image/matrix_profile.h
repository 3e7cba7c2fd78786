#pragma once

#include "core/color_space.h"

#include <string>

namespace zsr {

/// An ICC profile of `space`, of version 4 with a matrix and one curve (ICC.1:2010), as a file's bytes.
std::string matrix_profile(ColorSpace space);

/// An ICC profile of BT.2020's primaries behind the PQ curve (Note [HDR values]), of version 4.4: a curve of 4096
/// steps, in which 1 is 10000 cd/m2, and a tag `cicp` (ICC.1:2022, 9.2.17) that says exactly what it is.
std::string pq_profile();

}  // namespace zsr
