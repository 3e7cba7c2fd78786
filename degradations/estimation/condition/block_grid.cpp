#include "degradations/estimation/condition/measures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace zsr::condition {
namespace {

using Residues = std::array<double, 8>;

// Jumps across columns (or rows), summed by place modulo 8. Third differences are blind to smooth shading; the clamp
// keeps single strong edges from deciding.
void add_jumps(const Plane& plane, bool along_rows, Residues& sum, Residues& count) {
  const int64_t outer = along_rows ? plane.height : plane.width;
  const int64_t inner = along_rows ? plane.width : plane.height;
  const int64_t step = along_rows ? 1 : plane.width;
  for (int64_t i = 0; i + 3 < inner; ++i) {
    double total = 0.0;
    for (int64_t j = 0; j < outer; ++j) {
      const float* const p = plane.values.data() + (along_rows ? j * plane.width + i : i * plane.width + j);
      total += std::min(40.0F, std::abs(p[3 * step] - p[0] + 3.0F * (p[step] - p[2 * step])));
    }
    sum[static_cast<size_t>((i + 2) % 8)] += total;  // the jump lies before pixel i + 2
    count[static_cast<size_t>((i + 2) % 8)] += static_cast<double>(outer);
  }
}

double contrast_at(const Residues& sum, const Residues& count, int64_t& offset) {
  Residues mean{};
  for (size_t i = 0; i < 8; ++i) mean[i] = count[i] > 0.0 ? sum[i] / count[i] : 0.0;
  const auto largest = std::max_element(mean.begin(), mean.end());
  offset = largest - mean.begin();
  const double others = (std::accumulate(mean.begin(), mean.end(), 0.0) - *largest) / 7.0;
  return others > 0.0 ? *largest / others - 1.0 : 0.0;
}

std::array<float, 64> dct_table() {
  std::array<float, 64> table{};
  for (size_t k = 0; k < 8; ++k) {
    for (size_t n = 0; n < 8; ++n) {
      const double scale = k == 0 ? std::sqrt(0.125) : 0.5;
      const double angle = (2.0 * static_cast<double>(n) + 1.0) * static_cast<double>(k) * std::numbers::pi / 16.0;
      table[k * 8 + n] = static_cast<float>(scale * std::cos(angle));
    }
  }
  return table;
}

// Near-zero coefficients among the middle frequencies of the blocks of a grid, where the block is not smooth.
void count_zeros(const Plane& plane, int64_t offset_y, int64_t offset_x, double& zeros, double& all) {
  static const std::array<float, 64> table = dct_table();
  constexpr float kZero = 0.6F;  // what rounding to whole levels leaves of a coefficient that was zero: 0.3 to 0.45
  for (int64_t y0 = offset_y; y0 + 8 <= plane.height; y0 += 8) {
    for (int64_t x0 = offset_x; x0 + 8 <= plane.width; x0 += 8) {
      float half[8][8];
      for (int64_t y = 0; y < 8; ++y) {
        const float* const p = plane.row(y0 + y) + x0;
        for (size_t k = 0; k < 8; ++k) {
          float s = 0.0F;
          for (size_t n = 0; n < 8; ++n) s += table[k * 8 + n] * p[n];
          half[y][k] = s;
        }
      }
      int count = 0;
      int used = 0;
      float power = 0.0F;
      for (size_t ky = 0; ky < 8; ++ky) {
        for (size_t kx = 0; kx < 8; ++kx) {
          if (ky + kx < 1 || ky + kx > 9) continue;
          float s = 0.0F;
          for (size_t n = 0; n < 8; ++n) s += table[ky * 8 + n] * half[n][kx];
          power += s * s;
          if (ky + kx < 3) continue;
          ++used;
          count += std::abs(s) < kZero ? 1 : 0;
        }
      }
      if (power < 64.0F) continue;  // smooth blocks have zeros without compression
      zeros += count;
      all += used;
    }
  }
}

}  // namespace

BlockGrid measure_block_grid(const std::vector<Crop>& crops) {
  BlockGrid found;
  Residues sum_x{};
  Residues sum_y{};
  Residues count_x{};
  Residues count_y{};
  double best = -1.0;
  for (size_t i = 0; i < crops.size(); ++i) {
    std::array<Residues, 4> own{};
    add_jumps(crops[i].luma, true, own[0], own[1]);
    add_jumps(crops[i].luma, false, own[2], own[3]);
    int64_t offset = 0;
    const double clear = std::min(contrast_at(own[0], own[1], offset), contrast_at(own[2], own[3], offset));
    if (clear > best) {
      best = clear;
      found.best_crop = i;
    }
    for (size_t r = 0; r < 8; ++r) {
      sum_x[r] += own[0][r];
      count_x[r] += own[1][r];
      sum_y[r] += own[2][r];
      count_y[r] += own[3][r];
    }
  }
  const double across_x = contrast_at(sum_x, count_x, found.offset_x);
  const double across_y = contrast_at(sum_y, count_y, found.offset_y);
  found.contrast = std::min(across_x, across_y);
  double zeros = 0.0;
  double all = 0.0;
  double moved_zeros = 0.0;
  double moved_all = 0.0;
  for (const Crop& crop : crops) {
    count_zeros(crop.luma, found.offset_y, found.offset_x, zeros, all);
    count_zeros(crop.luma, (found.offset_y + 4) % 8, (found.offset_x + 4) % 8, moved_zeros, moved_all);
  }
  if (all > 0.0 && moved_all > 0.0) found.zero_excess = zeros / all - moved_zeros / moved_all;
  return found;
}

}  // namespace zsr::condition
