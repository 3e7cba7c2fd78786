#pragma once

#include "core/color_space.h"
#include "image/hdr_coding.h"

#include <string>

namespace zsr {

/// An ICC profile of `space`, of version 4 with a matrix and one curve (ICC.1:2010), as a file's bytes.
std::string matrix_profile(ColorSpace space);

/// An ICC profile that says what `coding` means, of version 4.4: a matrix, a curve in which 1 is the brightest value
/// (10000 cd/m2 in PQ), in 4096 steps where it is not straight, and for PQ and HLG a tag `cicp` (ICC.1:2022, 9.2.17)
/// that says exactly what it is, where the primaries have a code.
std::string hdr_profile(const HdrCoding& coding);

}  // namespace zsr
