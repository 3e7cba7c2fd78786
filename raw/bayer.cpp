#include "raw/tiles.h"

#include <array>
#include <cmath>

namespace zsr::raw {
namespace {

constexpr float kTiny = 1e-10F;
constexpr int64_t kWindow = 4;  // samples to each side that a direction's statistics are taken of
// The smoothing of colour differences of Zhang and Wu's published code.
constexpr std::array<float, 5> kSmooth = {26.0F / 128, 23.0F / 128, 15.0F / 128, 9.0F / 128, 4.0F / 128};

// What one direction says about the colour difference green - colour at a pixel, and how far it may be off.
struct Estimate {
  float value;
  float variance;
};

// Colour difference along a line with `step` values from pixel to pixel, at every pixel from 2 to n - 2: the missing
// sample is interpolated with the second difference of what was measured. `sign` is 1 where the line's first pixel is
// green, -1 elsewhere.
void difference_along(const float* in, int64_t step, int64_t n, float sign, float* out) {
  for (int64_t i = 2; i < n - 2; ++i) {
    const float* p = in + i * step;
    const float other = 0.5F * (p[-step] + p[step]) + 0.25F * (2.0F * p[0] - p[-2 * step] - p[2 * step]);
    const float s = (i & 1) == 0 ? sign : -sign;
    out[i * step] = s * (p[0] - other);
  }
  for (int64_t i : {int64_t{0}, int64_t{1}}) out[i * step] = out[2 * step];
  for (int64_t i : {n - 2, n - 1}) out[i * step] = out[(n - 3) * step];
}

void smooth_along(const float* in, int64_t step, int64_t n, float* out) {
  for (int64_t i = 4; i < n - 4; ++i) {
    const float* p = in + i * step;
    float sum = kSmooth[0] * p[0];
    for (int64_t k = 1; k <= 4; ++k) sum += kSmooth[static_cast<size_t>(k)] * (p[-k * step] + p[k * step]);
    out[i * step] = sum;
  }
  for (int64_t i = 0; i < 4; ++i) {
    out[i * step] = in[i * step];
    out[(n - 1 - i) * step] = in[(n - 1 - i) * step];
  }
}

// Linear minimum mean square error of the difference at `p`, from its smoothed values `s` along the line.
Estimate estimate_at(const float* p, const float* s, int64_t step) {
  float mean = 0.0F;
  float noise = 0.0F;
  for (int64_t k = -kWindow; k <= kWindow; ++k) {
    mean += s[k * step];
    const float off = p[k * step] - s[k * step];
    noise += off * off;
  }
  constexpr float kCount = 2 * kWindow + 1;
  mean /= kCount;
  noise = noise / kCount + kTiny;
  float signal = 0.0F;
  for (int64_t k = -kWindow; k <= kWindow; ++k) {
    const float off = s[k * step] - mean;
    signal += off * off;
  }
  signal /= kCount - 1;
  const float share = signal / (signal + noise);
  return {mean + share * (p[0] - mean), signal * (1.0F - share) + kTiny};
}

// Green at red and blue pixels.
void fill_green(const Plane& tile, const MosaicPattern& pattern, Plane& green) {
  const int64_t h = tile.height;
  const int64_t w = tile.width;
  Plane across(h, w);
  Plane down(h, w);
  Plane across_smooth(h, w);
  Plane down_smooth(h, w);
  for (int64_t y = 0; y < h; ++y) {
    difference_along(tile.row(y), 1, w, pattern.color(y, 0) == 1 ? 1.0F : -1.0F, across.row(y));
    smooth_along(across.row(y), 1, w, across_smooth.row(y));
  }
  for (int64_t x = 0; x < w; ++x) {
    difference_along(tile.values.data() + x, w, h, pattern.color(0, x) == 1 ? 1.0F : -1.0F, down.values.data() + x);
    smooth_along(down.values.data() + x, w, h, down_smooth.values.data() + x);
  }
  green = tile;
  for (int64_t y = 4; y < h - 4; ++y) {
    for (int64_t x = 4; x < w - 4; ++x) {
      if (pattern.color(y, x) == 1) continue;
      const int64_t at = y * w + x;
      const Estimate a =
          estimate_at(&across.values[static_cast<size_t>(at)], &across_smooth.values[static_cast<size_t>(at)], 1);
      const Estimate d =
          estimate_at(&down.values[static_cast<size_t>(at)], &down_smooth.values[static_cast<size_t>(at)], w);
      const float share = d.variance / (a.variance + d.variance);
      green.row(y)[x] += share * a.value + (1.0F - share) * d.value;
    }
  }
}

// Colour differences of red or blue to green, known at that colour's pixels, at all pixels: first on the other
// colour's pixels, from the diagonals, then on green ones, from the four sides.
void fill_color(const Plane& tile, const MosaicPattern& pattern, int color, const Plane& green, Plane& out) {
  const int64_t h = tile.height;
  const int64_t w = tile.width;
  Plane difference(h, w);
  for (int64_t y = 0; y < h; ++y) {
    for (int64_t x = 0; x < w; ++x) {
      if (pattern.color(y, x) == color) difference.row(y)[x] = tile.row(y)[x] - green.row(y)[x];
    }
  }
  for (int64_t y = 3; y < h - 3; ++y) {
    for (int64_t x = 3; x < w - 3; ++x) {
      if (pattern.color(y, x) != 2 - color) continue;
      const auto g = [&](int64_t dy, int64_t dx) { return green.row(y + dy)[x + dx]; };
      const auto d = [&](int64_t dy, int64_t dx) { return difference.row(y + dy)[x + dx]; };
      // Along each diagonal, weighted by how little changes there.
      const auto change = [&](int64_t s) {
        return std::abs(d(-1, -s) - d(1, s)) + std::abs(2.0F * g(0, 0) - g(-1, -s) - g(1, s)) + 1e-4F;
      };
      const float one = change(1);
      const float two = change(-1);
      difference.row(y)[x] = 0.5F * (two * (d(-1, -1) + d(1, 1)) + one * (d(-1, 1) + d(1, -1))) / (one + two);
    }
  }
  for (int64_t y = 4; y < h - 4; ++y) {
    for (int64_t x = 4; x < w - 4; ++x) {
      if (pattern.color(y, x) != 1) continue;
      const auto g = [&](int64_t dy, int64_t dx) { return green.row(y + dy)[x + dx]; };
      const auto d = [&](int64_t dy, int64_t dx) { return difference.row(y + dy)[x + dx]; };
      const float across = std::abs(d(0, -1) - d(0, 1)) + std::abs(2.0F * g(0, 0) - g(0, -1) - g(0, 1)) + 1e-4F;
      const float down = std::abs(d(-1, 0) - d(1, 0)) + std::abs(2.0F * g(0, 0) - g(-1, 0) - g(1, 0)) + 1e-4F;
      difference.row(y)[x] = 0.5F * (down * (d(0, -1) + d(0, 1)) + across * (d(-1, 0) + d(1, 0))) / (across + down);
    }
  }
  out = Plane(h, w);
  for (size_t i = 0; i < out.values.size(); ++i) out.values[i] = green.values[i] + difference.values[i];
}

}  // namespace

void demosaic_bayer_tile(const Plane& tile, const MosaicPattern& pattern, Rgb& result) {
  fill_green(tile, pattern, result[1]);
  fill_color(tile, pattern, 0, result[1], result[0]);
  fill_color(tile, pattern, 2, result[1], result[2]);
}

}  // namespace zsr::raw
