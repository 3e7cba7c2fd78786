#pragma once

#include "nn/weights/weights_file.h"

#include <string>
#include <string_view>

namespace zsr {

/// The numeric arrays of a MATLAB v5 file (compressed or not), those inside structs and cells too: weight 3 of struct
/// `model` is "model.weight{3}". Shapes are MATLAB's: a filter of MatConvNet is [height, width, in, out]. `bytes` is
/// the whole file. Text, sparse, complex and function arrays are left out. Throws InputError naming `origin` for what
/// is damaged, v7.3 (HDF5) or big-endian; nothing is read beyond a bound, and memory stays below 64 times the file's
/// size.
WeightsFile parse_mat(std::string_view bytes, const std::string& origin);

}  // namespace zsr
