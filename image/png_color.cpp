#include "image/png_color.h"

#include "image/png_chunks.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;  // rows

Vector operator*(const Matrix& m, const Vector& v) {
  Vector made{};
  for (size_t i = 0; i < 3; ++i) made[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return made;
}

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix made{};
  for (size_t column = 0; column < 3; ++column) {
    const Vector v = a * Vector{b[0][column], b[1][column], b[2][column]};
    for (size_t row = 0; row < 3; ++row) made[row][column] = v[row];
  }
  return made;
}

// All zero where there is none.
Matrix inverse(const Matrix& m) {
  Matrix made{};
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

Vector xyz_of(double x, double y) {
  return {x / y, 1.0, (1.0 - x - y) / y};
}

// From linear RGB with these primaries to XYZ, so that equal channels give their white.
Matrix to_xyz(const std::array<double, 8>& p) {
  Matrix columns{};
  for (size_t i = 0; i < 3; ++i) {
    const Vector primary = xyz_of(p[2 + 2 * i], p[3 + 2 * i]);
    for (size_t row = 0; row < 3; ++row) columns[row][i] = primary[row];
  }
  const Vector strength = inverse(columns) * xyz_of(p[0], p[1]);
  for (size_t row = 0; row < 3; ++row) {
    for (size_t i = 0; i < 3; ++i) columns[row][i] *= strength[i];
  }
  return columns;
}

// What makes one white the other, in the cone space of Bradford.
Matrix adaptation(const Vector& from, const Vector& to) {
  constexpr Matrix kCones{{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}};
  const Vector a = kCones * from;
  const Vector b = kCones * to;
  const Matrix scale{{{b[0] / a[0], 0.0, 0.0}, {0.0, b[1] / a[1], 0.0}, {0.0, 0.0, b[2] / a[2]}}};
  return inverse(kCones) * (scale * kCones);
}

double srgb_of(double light) {
  light = std::clamp(light, 0.0, 1.0);
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1.0 / 2.4) - 0.055;
}

bool is_possible(const PngColor& color) {
  const auto& p = color.primaries;
  const bool inside = std::all_of(p.begin(), p.end(), [](double value) { return value >= 0.0 && value <= 1.0; });
  for (size_t i = 1; i < p.size(); i += 2) {
    if (p[i] <= 0.0) return false;
  }
  const Matrix xyz = to_xyz(p);
  return inside && color.gamma > 0.05 && color.gamma < 10.0 && inverse(xyz) != Matrix{};
}

bool is_srgb(const PngColor& color) {
  constexpr double kClose = 0.01;  // 45455 and 45000 both stand for it
  const PngColor srgb;
  if (std::abs(color.gamma - srgb.gamma) > kClose) return false;
  return std::equal(color.primaries.begin(), color.primaries.end(), srgb.primaries.begin(),
                    [](double a, double b) { return std::abs(a - b) < kClose; });
}

template <typename Sample>
void convert(std::vector<uint8_t>& bytes, int bands, const PngColor& color, double peak) {
  const PngColor srgb;
  const Vector white = xyz_of(color.primaries[0], color.primaries[1]);
  const Vector wanted = xyz_of(srgb.primaries[0], srgb.primaries[1]);
  const Matrix mix = inverse(to_xyz(srgb.primaries)) * (adaptation(white, wanted) * to_xyz(color.primaries));
  std::vector<double> light(static_cast<size_t>(peak) + 1);
  for (size_t i = 0; i < light.size(); ++i) light[i] = std::pow(static_cast<double>(i) / peak, 1.0 / color.gamma);
  auto* samples = reinterpret_cast<Sample*>(bytes.data());
  const size_t count = bytes.size() / sizeof(Sample);
  const auto stored = [&](double value) { return static_cast<Sample>(srgb_of(value) * peak + 0.5); };
  for (size_t at = 0; at + static_cast<size_t>(bands) <= count; at += static_cast<size_t>(bands)) {
    if (bands <= 2) {
      samples[at] = stored(light[samples[at]]);
      continue;
    }
    const Vector made = mix * Vector{light[samples[at]], light[samples[at + 1]], light[samples[at + 2]]};
    for (size_t c = 0; c < 3; ++c) samples[at + c] = stored(made[c]);
  }
}

}  // namespace

std::optional<PngColor> png_color(std::string_view chunks) {
  PngColor color;
  bool stated = false;
  constexpr double kUnit = 100000.0;
  for (const PngChunk& chunk : png_chunks_in(chunks)) {
    if (chunk.type == "sRGB" || chunk.type == "cICP") return std::nullopt;  // they come before the others
    if (chunk.type == "gAMA" && chunk.data.size() == 4) {
      color.gamma = big_endian_number(chunk.data, 0, 4) / kUnit;
      stated = true;
    } else if (chunk.type == "cHRM" && chunk.data.size() == 32) {
      for (size_t i = 0; i < 8; ++i) color.primaries[i] = big_endian_number(chunk.data, 4 * i, 4) / kUnit;
    }
  }
  if (!stated || !is_possible(color) || is_srgb(color)) return std::nullopt;
  return color;
}

PixelBuffer converted_to_srgb(const PixelBuffer& pixels, const PngColor& color) {
  PixelBuffer made = pixels;
  if (made.bit_depth == 16) {
    convert<uint16_t>(made.bytes, made.bands, color, 65535.0);
  } else {
    convert<uint8_t>(made.bytes, made.bands, color, 255.0);
  }
  return made;
}

}  // namespace zsr
