#pragma once

#include <algorithm>
#include <cstdint>

namespace zsr::networks {

/// What a photo is continued by, mirrored, before a network sees it. Networks pad with zeros, which is black: at the
/// border they darken what is flat, white by up to 8 levels. With 4 pixels no shipped EDSR changes a flat picture by
/// more than 0.3 levels; from 8 on nothing changes any more (tests/networks/margin_test).
inline constexpr int64_t kMargin = 8;

/// One axis of a tile, in pixels of the photo: it makes [begin, end) of [from, to), which may lie in the margin.
struct TileSpan {
  TileSpan(int64_t first, int64_t step, int64_t length, int64_t halo, int64_t margin)
      : begin(first),
        end(std::min(length, first + step)),
        from(std::max(-margin, first - halo)),
        to(std::min(length + margin, end + halo)) {}
  int64_t begin, end, from, to;
};

}  // namespace zsr::networks
