#pragma once

#include <cstdint>
#include <vector>

namespace zsr::networks {

/// A stretch of one axis: pixels [read, read + size) are read, of which [begin, end) are its own.
struct Window {
  int64_t read = 0;
  int64_t begin = 0;
  int64_t end = 0;
};

/// Windows of one size over an axis.
struct Windows {
  int64_t size = 0;
  std::vector<Window> all;
};

/// `length` pixels, a multiple of `unit`, cut into `count` >= 1 windows (fewer where that is enough), whose own parts
/// follow one another and which read `halo` pixels more to each side as far as there are any; what they read begins
/// and ends at multiples of `unit`. All have the same size, so that buffers serve for each of them.
Windows cut(int64_t length, int64_t count, int64_t halo, int64_t unit);

/// Windows over both axes.
struct WindowGrid {
  Windows rows, columns;
};

/// The cut of height x width (multiples of `unit`) with the least to compute among those whose windows have at most
/// `pixels` pixels with their halos; where none has, the smallest windows that are.
WindowGrid cut_within(int64_t height, int64_t width, double pixels, int64_t halo, int64_t unit);

}  // namespace zsr::networks
