#pragma once

#include "nn/kernels/winograd/kernels.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace zsr::blocked {

/// Where the first pixel of row y of image n lies in block 0.
inline int64_t row_offset(const winograd::ImageShape& shape, int64_t n, int64_t y) {
  return n * shape.image_stride() + shape.origin() + y * shape.row_stride();
}

/// body(image of the batch, row) for all rows, in parallel.
template <typename Body>
void for_rows(const winograd::ImageShape& shape, const Body& body) {
  const int64_t grain = std::max<int64_t>(1, 8192 / (shape.width * shape.blocks() * winograd::kBlock));
  at::parallel_for(0, shape.batch * shape.height, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row / shape.height, row % shape.height);
  });
}

}  // namespace zsr::blocked
