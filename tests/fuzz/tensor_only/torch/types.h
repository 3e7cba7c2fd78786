#pragma once

// LibTorch's tensor type and nothing that is done with it; see ../../CMakeLists.txt.
#include <ATen/core/Tensor.h>

namespace torch {

using at::Tensor;

}  // namespace torch
