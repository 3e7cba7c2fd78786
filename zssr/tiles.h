#pragma once

#include "image/resize.h"

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::zssr {

/// A stretch of one axis of a tile: LR pixels [read_begin, read_end) give HR pixels [hr_begin, hr_end), of which
/// [write_begin, write_end) are the tile's own.
struct Span {
  int64_t read_begin = 0;
  int64_t read_end = 0;
  int64_t hr_begin = 0;
  int64_t hr_end = 0;
  int64_t write_begin = 0;
  int64_t write_end = 0;
  double phase_shift = 0.0;  ///< HR pixels by which the LR grid stands further on in the tile than in the photo.
};

/// Tiles of `tile` LR pixels and `halo` more to each side over an axis of `length` LR and `hr_length` HR pixels.
std::vector<Span> split(int64_t length, int64_t hr_length, double scale, int64_t tile, int64_t halo);

/// Writes the part of `tile` [N, C, h, w] that is its own into the photo `whole`.
void paste(torch::Tensor& whole, const torch::Tensor& tile, const Span& row, const Span& column);

}  // namespace zsr::zssr
