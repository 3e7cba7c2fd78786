#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// One of the 8 symmetries of the square applied to the last two dimensions: `index` & 3 counts quarter turns
/// counter-clockwise, then index >= 4 mirrors left-right. Index 0 is the identity.
torch::Tensor dihedral(const torch::Tensor& image, int64_t index);

/// Undoes `dihedral` with the same index.
torch::Tensor inverse_dihedral(const torch::Tensor& image, int64_t index);

}  // namespace zsr
