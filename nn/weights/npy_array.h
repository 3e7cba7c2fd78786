#pragma once

#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <string>
#include <string_view>

namespace zsr {

/// The array of a NumPy .npy file (versions 1 to 3), in its own type and shape, contiguous by rows: little-endian
/// float16, float32, float64, int64, int32, uint8. The header is looked through, not evaluated. Throws InputError that
/// begins with `name`.
torch::Tensor parse_npy(std::string_view bytes, const std::string& name);

/// The arrays of an .npz file, a zip archive of .npy files as numpy.savez writes it (stored, not compressed). Throws
/// InputError naming `origin`.
WeightsFile parse_npz(std::string_view bytes, const std::string& origin);

}  // namespace zsr
