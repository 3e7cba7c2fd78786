#pragma once

// Only for the files of this folder.

#include "raw/demosaic.h"

#include <algorithm>
#include <cstdint>

namespace zsr::raw {

/// `position` brought into [0, length) by mirroring about the first and last pixel, which keeps a Bayer mosaic's
/// colours.
inline int64_t mirrored(int64_t position, int64_t length) {
  if (length == 1) return 0;
  const int64_t period = 2 * (length - 1);
  const int64_t inside = ((position % period) + period) % period;
  return std::min(inside, period - inside);
}

/// Side of a tile and pixels around it that a result depends on. Tiles begin at multiples of 12 pixels, so that the
/// mosaic has the same phase in all of them.
inline constexpr int64_t kTileSide = 240;

/// A tile of a Bayer mosaic without its border: `inner` pixels a side at most, `border` more on all sides, mirrored
/// where the mosaic ends. Writes the colours of the whole tile, valid but for its border.
void demosaic_bayer_tile(const Plane& tile, const MosaicPattern& pattern, Rgb& result);
inline constexpr int64_t kBayerBorder = 16;

/// The same for X-Trans; pixels that the mosaic does not have are NaN and stay out of every mean.
void demosaic_xtrans_tile(const Plane& tile, const MosaicPattern& pattern, Rgb& result);
inline constexpr int64_t kXtransBorder = 12;

}  // namespace zsr::raw
