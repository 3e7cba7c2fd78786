#include "inference/tiles.h"

#include <algorithm>
#include <cmath>

namespace zsr::inference {

std::vector<Span> split(int64_t length, int64_t hr_length, double scale, const TileGrid& grid) {
  // In the margin, too, a pixel of the photo stands for `scale` pixels of the result.
  const auto to_hr = [&](int64_t lr) {
    if (lr >= length) return hr_length + static_cast<int64_t>(std::llround(static_cast<double>(lr - length) * scale));
    return std::min(hr_length, static_cast<int64_t>(std::floor(static_cast<double>(lr) * scale + 1e-9)));
  };
  std::vector<Span> spans;
  for (int64_t begin = 0; begin < length; begin += grid.tile) {
    Span span;
    const int64_t end = std::min(length, begin + grid.tile);
    span.read_begin = std::max(-grid.margin, begin - grid.halo);
    span.read_end = std::min(length + grid.margin, end + grid.halo);
    span.hr_begin = to_hr(span.read_begin);
    span.hr_end = to_hr(span.read_end);
    span.write_begin = to_hr(begin);
    span.write_end = to_hr(end);
    const double exact = static_cast<double>(span.read_begin) * scale;
    span.phase_shift = std::abs(exact - std::round(exact)) < 1e-9 ? 0.0 : exact - static_cast<double>(span.hr_begin);
    spans.push_back(span);
  }
  return spans;
}

torch::Tensor read_tile(const torch::Tensor& with_margin, const Span& row, const Span& column, int64_t margin) {
  return with_margin.slice(2, row.read_begin + margin, row.read_end + margin)
      .slice(3, column.read_begin + margin, column.read_end + margin)
      .contiguous();
}

void paste(torch::Tensor& whole, const torch::Tensor& tile, const Span& row, const Span& column) {
  whole.slice(2, row.write_begin, row.write_end)
      .slice(3, column.write_begin, column.write_end)
      .copy_(tile.slice(2, row.write_begin - row.hr_begin, row.write_end - row.hr_begin)
                 .slice(3, column.write_begin - column.hr_begin, column.write_end - column.hr_begin));
}

torch::Tensor in_tiles(Size low, Size high, Scale scale, int64_t channels, const TileGrid& grid, const MakeTile& make) {
  torch::Tensor whole = torch::empty({1, channels, high.height, high.width}, torch::kFloat32);
  const std::vector<Span> columns = split(low.width, high.width, scale.x, grid);
  for (const Span& row : split(low.height, high.height, scale.y, grid)) {
    for (const Span& column : columns) paste(whole, make(row, column), row, column);
  }
  return whole;
}

int64_t planned_tile(int64_t asked, double bytes_per_pixel, int64_t halo, double free_bytes) {
  // Larger ones only cost memory: the halo is small beside this, and what is between layers leaves the cache.
  constexpr int64_t kLargest = 256;
  constexpr int64_t kLeast = 16;
  constexpr double kPart = 0.5;
  if (asked != kByMemory) return asked;
  if (bytes_per_pixel <= 0.0) return kLargest;
  const auto side = static_cast<int64_t>(std::sqrt(kPart * free_bytes / bytes_per_pixel)) - 2 * halo;
  return std::clamp(side, kLeast, kLargest);
}

int64_t count_tiles(Size low, int64_t tile) {
  return ((low.height + tile - 1) / tile) * ((low.width + tile - 1) / tile);
}

double pixels_within(double budget_bytes, double per_pixel, double per_pair) {
  if (per_pair <= 0.0) return budget_bytes / per_pixel;
  return (std::sqrt(per_pixel * per_pixel + 4.0 * per_pair * budget_bytes) - per_pixel) / (2.0 * per_pair);
}

int64_t tile_side(Size low, double bytes_per_pixel, double budget_bytes, int64_t halo, int64_t least) {
  const double pixels = budget_bytes / bytes_per_pixel;
  if (static_cast<double>(low.height) * static_cast<double>(low.width) <= pixels) {
    return std::max(low.height, low.width);
  }
  return std::max(least, static_cast<int64_t>(std::sqrt(pixels)) - 2 * halo);
}

}  // namespace zsr::inference
