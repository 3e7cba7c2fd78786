#include "raw/demosaic.h"

#include "raw/denoise.h"
#include "raw/tiles.h"

#include <cmath>
#include <limits>

namespace zsr::raw {
namespace {

// The part of the mosaic from (`top`, `left`) on. Bayer mosaics go on mirrored; of others NaN stands for what is not
// there, because no mirroring keeps their colours.
Plane cut(const Mosaic& mosaic, int64_t top, int64_t left, int64_t height, int64_t width) {
  const Plane& values = mosaic.values;
  Plane tile(height, width);
  for (int64_t y = 0; y < height; ++y) {
    const bool row_inside = top + y >= 0 && top + y < values.height;
    const float* in = values.row(mirrored(top + y, values.height));
    float* out = tile.row(y);
    for (int64_t x = 0; x < width; ++x) {
      const bool inside = row_inside && left + x >= 0 && left + x < values.width;
      const bool known = inside || mosaic.pattern.is_bayer();
      out[x] = known ? in[mirrored(left + x, values.width)] : std::numeric_limits<float>::quiet_NaN();
    }
  }
  return tile;
}

}  // namespace

Rgb demosaic_without_denoising(const Mosaic& mosaic) {
  const int64_t height = mosaic.values.height;
  const int64_t width = mosaic.values.width;
  const bool bayer = mosaic.pattern.is_bayer();
  const int64_t border = bayer ? kBayerBorder : kXtransBorder;
  // Tiles begin at multiples of their side, borders at multiples of 2 or 6: the phase is the same in all of them.
  const MosaicPattern pattern = mosaic.pattern.shifted(-border, -border);
  const int64_t rows = (height + kTileSide - 1) / kTileSide;
  const int64_t columns = (width + kTileSide - 1) / kTileSide;
  Rgb result{Plane(height, width), Plane(height, width), Plane(height, width)};
#pragma omp parallel for schedule(dynamic)
  for (int64_t index = 0; index < rows * columns; ++index) {
    const int64_t top = index / columns * kTileSide;
    const int64_t left = index % columns * kTileSide;
    const int64_t h = std::min(kTileSide, height - top);
    const int64_t w = std::min(kTileSide, width - left);
    const Plane tile = cut(mosaic, top - border, left - border, h + 2 * border, w + 2 * border);
    Rgb made;
    bayer ? demosaic_bayer_tile(tile, pattern, made) : demosaic_xtrans_tile(tile, pattern, made);
    for (size_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < h; ++y) {
        std::copy_n(made[c].row(y + border) + border, w, result[c].row(top + y) + left);
      }
    }
  }
  return result;
}

Rgb demosaic(const Mosaic& mosaic) {
  Rgb result = demosaic_without_denoising(mosaic);
  denoise_demosaiced(mosaic, result);
  return result;
}

Rgb demosaic_bilinear(const Mosaic& mosaic) {
  const Plane& values = mosaic.values;
  const int64_t reach = mosaic.pattern.is_bayer() ? 1 : 2;
  Rgb result{Plane(values.height, values.width), Plane(values.height, values.width),
             Plane(values.height, values.width)};
#pragma omp parallel for
  for (int64_t y = 0; y < values.height; ++y) {
    for (int64_t x = 0; x < values.width; ++x) {
      std::array<float, 3> sum{};
      std::array<float, 3> weight{};
      for (int64_t dy = -reach; dy <= reach; ++dy) {
        for (int64_t dx = -reach; dx <= reach; ++dx) {
          const int64_t row = mirrored(y + dy, values.height);
          const int64_t column = mirrored(x + dx, values.width);
          const auto color = static_cast<size_t>(mosaic.pattern.color(row, column));
          const auto near = static_cast<float>((reach + 1 - std::abs(dy)) * (reach + 1 - std::abs(dx)));
          sum[color] += near * values.row(row)[column];
          weight[color] += near;
        }
      }
      const auto own = static_cast<size_t>(mosaic.pattern.color(y, x));
      for (size_t c = 0; c < 3; ++c) {
        result[c].row(y)[x] = c == own ? values.row(y)[x] : sum[c] / std::max(weight[c], 1.0F);
      }
    }
  }
  return result;
}

Plane mosaic_of(const Rgb& rgb, const MosaicPattern& pattern) {
  Plane result(rgb[0].height, rgb[0].width);
  for (int64_t y = 0; y < result.height; ++y) {
    for (int64_t x = 0; x < result.width; ++x) {
      result.row(y)[x] = rgb[static_cast<size_t>(pattern.color(y, x))].row(y)[x];
    }
  }
  return result;
}

}  // namespace zsr::raw
