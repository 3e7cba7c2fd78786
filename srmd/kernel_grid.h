#pragma once

#include "degradations/kernel.h"

#include <cstdint>
#include <vector>

namespace zsr::srmd {

/// Kernels of a photo whose blur varies: each that of the middle of its cell, rows from the top; between the middles
/// SRMD's code of them is interpolated, outside it stays.
struct KernelGrid {
  int64_t rows = 1;
  int64_t columns = 1;
  /// rows * columns, aligned (Note [Kernel convention]); empty = bicubic downscaling.
  std::vector<BlurKernel> kernels;
};

}  // namespace zsr::srmd
