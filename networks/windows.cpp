#include "networks/windows.h"

#include <algorithm>

namespace zsr::networks {

Windows cut(int64_t length, int64_t count, int64_t halo, int64_t unit) {
  const auto whole = [&](int64_t pixels) { return (pixels + unit - 1) / unit * unit; };
  const int64_t own = whole((length + count - 1) / count);
  const int64_t around = whole(halo);
  Windows made;
  made.size = own >= length ? length : std::min(length, own + 2 * around);
  for (int64_t begin = 0; begin < length; begin += own) {
    const int64_t read = std::clamp<int64_t>(begin - around, 0, length - made.size);
    made.all.push_back({read, begin, std::min(length, begin + own)});
  }
  return made;
}

WindowGrid cut_within(int64_t height, int64_t width, double pixels, int64_t halo, int64_t unit) {
  constexpr int64_t kLeastOwn = 64;  // smaller ones would be halo alone
  const auto most = [](int64_t length) { return std::max<int64_t>(1, length / kLeastOwn); };
  WindowGrid best;
  double least = 0.0;
  bool fits = false;
  for (int64_t down = 1; down <= most(height); ++down) {
    for (int64_t across = 1; across <= most(width); ++across) {
      WindowGrid grid{cut(height, down, halo, unit), cut(width, across, halo, unit)};
      const double each = static_cast<double>(grid.rows.size) * static_cast<double>(grid.columns.size);
      const bool within = each <= pixels;
      const double work = each * static_cast<double>(grid.rows.all.size() * grid.columns.all.size());
      // Among those that are too large the smallest is the best.
      const double cost = within ? work : each;
      if ((within && !fits) || (within == fits && (least == 0.0 || cost < least))) {
        best = std::move(grid);
        least = cost;
        fits = within;
      }
    }
  }
  return best;
}

}  // namespace zsr::networks
