#pragma once

#include "core/normal_field.h"
#include "raw/demosaic.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::raw::test {

/// A picture with edges of all directions, texture and colour, the same for the same arguments; values in [0.05, 0.95].
inline Rgb scene(int64_t height, int64_t width) {
  Rgb rgb{Plane(height, width), Plane(height, width), Plane(height, width)};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double u = static_cast<double>(x);
      const double v = static_cast<double>(y);
      const double rings = std::sin(0.004 * (u * u + v * v));
      const double waves = std::sin(0.31 * u + 0.17 * v) * std::sin(0.05 * v);
      const double edge = std::hypot(u - 60.0, v - 50.0) < 33.0 ? 1.0 : -1.0;
      const double gray = 0.5 + 0.12 * rings + 0.1 * waves + 0.12 * edge;
      const double hue = 0.05 * std::sin(0.07 * u - 0.04 * v);
      const auto value = [](double level) { return static_cast<float>(std::clamp(level, 0.05, 0.95)); };
      rgb[0].row(y)[x] = value(gray + hue + 0.04 * edge);
      rgb[1].row(y)[x] = value(gray);
      rgb[2].row(y)[x] = value(gray - hue - 0.06);
    }
  }
  return rgb;
}

inline void add_noise(Plane& values, const NoiseCurve& curve, uint64_t seed) {
  std::vector<float> field(values.values.size());
  fill_normal(seed, field.data(), static_cast<int64_t>(field.size()));
  for (size_t i = 0; i < field.size(); ++i) values.values[i] += field[i] * curve.sigma(values.values[i]);
}

/// CPSNR: of all three colours together, peak 1, `border` pixels cut.
inline double cpsnr(const Rgb& a, const Rgb& b, int64_t border = 8) {
  double sum = 0.0;
  double count = 0.0;
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = border; y < a[c].height - border; ++y) {
      for (int64_t x = border; x < a[c].width - border; ++x) {
        const double off = a[c].row(y)[x] - b[c].row(y)[x];
        sum += off * off;
        count += 1.0;
      }
    }
  }
  return -10.0 * std::log10(sum / count);
}

}  // namespace zsr::raw::test
