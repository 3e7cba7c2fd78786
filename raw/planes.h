#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace zsr::raw {

/// One value a pixel, row by row.
struct Plane {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;

  Plane() = default;
  Plane(int64_t rows, int64_t columns) : height(rows), width(columns), values(static_cast<size_t>(rows * columns)) {}
  float* row(int64_t y) { return values.data() + y * width; }
  const float* row(int64_t y) const { return values.data() + y * width; }
};

/// Red, green and blue of one size.
using Rgb = std::array<Plane, 3>;

}  // namespace zsr::raw
