#include "image/chromaticities.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace zsr {

Vector3 operator*(const Matrix3& m, const Vector3& v) {
  Vector3 made{};
  for (size_t i = 0; i < 3; ++i) made[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return made;
}

Matrix3 operator*(const Matrix3& a, const Matrix3& b) {
  Matrix3 made{};
  for (size_t column = 0; column < 3; ++column) {
    const Vector3 v = a * Vector3{b[0][column], b[1][column], b[2][column]};
    for (size_t row = 0; row < 3; ++row) made[row][column] = v[row];
  }
  return made;
}

Matrix3 inverse(const Matrix3& m) {
  Matrix3 made{};
  const auto minor = [&](size_t r, size_t c) {
    const size_t r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1];
  };
  const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  if (std::abs(determinant) < 1e-9) return made;
  for (size_t r = 0; r < 3; ++r) {
    for (size_t c = 0; c < 3; ++c) made[c][r] = minor(r, c) / determinant;
  }
  return made;
}

Vector3 xyz_of(double x, double y) {
  return {x / y, 1.0, (1.0 - x - y) / y};
}

Matrix3 rgb_to_xyz(const Chromaticities& colors) {
  Matrix3 columns{};
  for (size_t i = 0; i < 3; ++i) {
    const Vector3 primary = xyz_of(colors[2 + 2 * i], colors[3 + 2 * i]);
    for (size_t row = 0; row < 3; ++row) columns[row][i] = primary[row];
  }
  const Vector3 strength = inverse(columns) * xyz_of(colors[0], colors[1]);
  for (size_t row = 0; row < 3; ++row) {
    for (size_t i = 0; i < 3; ++i) columns[row][i] *= strength[i];
  }
  return columns;
}

Matrix3 white_adaptation(const Vector3& from, const Vector3& to) {
  constexpr Matrix3 kCones{{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Vector3 a = kCones * from;
  const Vector3 b = kCones * to;
  const Matrix3 scale{{{b[0] / a[0], 0.0, 0.0}, {0.0, b[1] / a[1], 0.0}, {0.0, 0.0, b[2] / a[2]}}};
  return inverse(kCones) * (scale * kCones);
}

Matrix3 rgb_to_rgb(const Chromaticities& from, const Chromaticities& to) {
  const Matrix3 adaptation = white_adaptation(xyz_of(from[0], from[1]), xyz_of(to[0], to[1]));
  return inverse(rgb_to_xyz(to)) * (adaptation * rgb_to_xyz(from));
}

bool is_possible(const Chromaticities& colors) {
  for (size_t i = 1; i < colors.size(); i += 2) {
    if (!(colors[i] > 0.0)) return false;
  }
  const bool inside =
      std::all_of(colors.begin(), colors.end(), [](double value) { return value >= 0.0 && value <= 1.0; });
  return inside && inverse(rgb_to_xyz(colors)) != Matrix3{};
}

}  // namespace zsr
