#include "zssr/tiles.h"

#include <algorithm>
#include <cmath>

namespace zsr::zssr {

std::vector<Span> split(int64_t length, int64_t hr_length, double scale, int64_t tile, int64_t halo) {
  const auto to_hr = [&](int64_t lr) {
    if (lr >= length) return hr_length;
    return std::min(hr_length, static_cast<int64_t>(std::floor(static_cast<double>(lr) * scale + 1e-9)));
  };
  std::vector<Span> spans;
  for (int64_t begin = 0; begin < length; begin += tile) {
    Span span;
    const int64_t end = std::min(length, begin + tile);
    span.read_begin = std::max<int64_t>(0, begin - halo);
    span.read_end = std::min(length, end + halo);
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

void paste(torch::Tensor& whole, const torch::Tensor& tile, const Span& row, const Span& column) {
  whole.slice(2, row.write_begin, row.write_end)
      .slice(3, column.write_begin, column.write_end)
      .copy_(tile.slice(2, row.write_begin - row.hr_begin, row.write_end - row.hr_begin)
                 .slice(3, column.write_begin - column.hr_begin, column.write_end - column.hr_begin));
}

}  // namespace zsr::zssr
