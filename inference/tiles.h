#pragma once

#include "image/resize.h"

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace zsr::inference {

/// What a photo is continued by, mirrored, before a network sees it. Networks pad with zeros, which is black: at the
/// border they darken what is flat, white by up to 8 levels. With 4 pixels no shipped EDSR changes a flat picture by
/// more than 0.3 levels; from 8 on nothing changes any more (tests/networks/margin_test).
inline constexpr int64_t kMargin = 8;

/// A stretch of one axis of a tile: LR pixels [read_begin, read_end) give HR pixels [hr_begin, hr_end), of which
/// [write_begin, write_end) are the tile's own. The read pixels may lie in the margin around the photo.
struct Span {
  int64_t read_begin = 0;
  int64_t read_end = 0;
  int64_t hr_begin = 0;
  int64_t hr_end = 0;
  int64_t write_begin = 0;
  int64_t write_end = 0;
  double phase_shift = 0.0;  ///< HR pixels by which the LR grid stands further on in the tile than in the photo.
};

/// How an axis is cut: tiles of `tile` LR pixels, each read with `halo` more to each side, as far as `margin` pixels
/// around the photo.
struct TileGrid {
  int64_t tile = 256;
  int64_t halo = 0;
  int64_t margin = 0;
};

/// Tiles over an axis of `length` LR and `hr_length` HR pixels.
std::vector<Span> split(int64_t length, int64_t hr_length, double scale, const TileGrid& grid);

/// The pixels that a tile reads, from a photo [N, C, h + 2 margin, w + 2 margin] that has its margin around it.
torch::Tensor read_tile(const torch::Tensor& with_margin, const Span& row, const Span& column, int64_t margin);

/// Writes the part of `tile` [N, C, h, w] that is its own into the photo `whole`.
void paste(torch::Tensor& whole, const torch::Tensor& tile, const Span& row, const Span& column);

/// Called with the rows and columns of a tile, gives its pixels [hr_begin, hr_end) of both axes, [1, C, h, w] float32.
using MakeTile = std::function<torch::Tensor(const Span& row, const Span& column)>;

/// A picture [1, channels, high] float32 made tile by tile, rows from the top.
torch::Tensor in_tiles(Size low, Size high, Scale scale, int64_t channels, const TileGrid& grid, const MakeTile& make);

/// Side of a tile where the caller names none: chosen by the memory that is free.
constexpr int64_t kByMemory = -1;

/// `asked`, or where it is kByMemory at most 256 pixels, fewer where half of `free_bytes` does not hold such a tile
/// with its halo at `bytes_per_pixel` of the photo. Never under 16.
int64_t planned_tile(int64_t asked, double bytes_per_pixel, int64_t halo, double free_bytes);

/// Number of tiles that `in_tiles` makes.
int64_t count_tiles(Size low, int64_t tile);

/// Pixels of a photo for which `per_pixel` bytes of each and `per_pair` bytes (0 or more) of each pair of them are
/// `budget_bytes` together.
double pixels_within(double budget_bytes, double per_pixel, double per_pair);

/// Side of a tile, without its halo, that takes at most `budget_bytes` at `bytes_per_pixel` of the photo: the longer
/// side of `low` where all of it fits, at least `least` otherwise.
int64_t tile_side(Size low, double bytes_per_pixel, double budget_bytes, int64_t halo, int64_t least);

}  // namespace zsr::inference
