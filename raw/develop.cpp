#include "raw/develop.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::raw {
namespace {

// Rows of a strip and those around it that its demosaicing depends on: multiples of both mosaics' sides. 60 rows are
// what the closed-form method (24) and the shipped network (28) reach together, and more.
constexpr int64_t kStrip = 480;
constexpr int64_t kAround = 60;

// Linear sRGB -> linear Display P3, both of a D65 white.
constexpr Matrix kSrgbToP3 = {
    {{0.8224621, 0.1775380, 0.0}, {0.0331941, 0.9668058, 0.0}, {0.0170827, 0.0723974, 0.9105199}}};

float srgb_curve(float x) {
  return x <= 0.0031308F ? 12.92F * x : 1.055F * std::pow(x, 1.0F / 2.4F) - 0.055F;
}

// sRGB's curve by table: linear between 4096 * 16 points its error is below a tenth of a 16-bit level, and a photo of
// 24 megapixels has 72 million values.
class CurveTable {
 public:
  CurveTable() {
    for (size_t i = 0; i < kPoints; ++i) table_[i] = srgb_curve(static_cast<float>(i) / (kPoints - 1));
  }
  float operator()(float x) const {
    const float place = x * (kPoints - 1);
    const auto index = std::min(static_cast<size_t>(place), kPoints - 2);
    const float rest = place - static_cast<float>(index);
    return table_[index] + rest * (table_[index + 1] - table_[index]);
  }

 private:
  static constexpr size_t kPoints = 65537;
  std::array<float, kPoints> table_{};
};

Matrix matrix_product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 3; ++k) {
      for (size_t j = 0; j < 3; ++j) result[i][j] += a[i][k] * b[k][j];
    }
  }
  return result;
}

// Where pixels of the sensor lie in the upright photo: index = origin + y * per_row + x * per_column.
struct Turn {
  int64_t origin = 0;
  int64_t per_row = 0;
  int64_t per_column = 0;
};

Turn turn_of(int orientation, int64_t height, int64_t width) {
  switch (orientation) {
    case 3:
      return {height * width - 1, -width, -1};
    case 6:  // the photo's right side is the sensor's top
      return {height - 1, -1, height};
    case 8:
      return {(width - 1) * height, 1, -height};
    default:
      return {0, width, 1};
  }
}

// Colours of one row -> the colour space, turned.
class RowWriter {
 public:
  RowWriter(const RawPhoto& photo, ColorSpace space, int64_t scale, float* out)
      : space_(space),
        plane_(scale * photo.values.height * scale * photo.values.width),
        turn_(turn_of(photo.orientation, scale * photo.values.height, scale * photo.values.width)),
        out_(out) {
    const Matrix matrix =
        space == ColorSpace::kDisplayP3 ? matrix_product(kSrgbToP3, photo.camera_to_srgb) : photo.camera_to_srgb;
    for (size_t i = 0; i < 3; ++i) {
      for (size_t k = 0; k < 3; ++k) matrix_[i][k] = static_cast<float>(matrix[i][k]);
    }
  }
  void write(int64_t y, const std::array<const float*, 3>& colors, int64_t width) const {
    static const CurveTable kCurve;
    for (int64_t x = 0; x < width; ++x) {
      const int64_t place = turn_.origin + y * turn_.per_row + x * turn_.per_column;
      for (size_t c = 0; c < 3; ++c) {
        const float sum = matrix_[c][0] * colors[0][x] + matrix_[c][1] * colors[1][x] + matrix_[c][2] * colors[2][x];
        const float value = std::min(1.0F, std::max(0.0F, sum));
        out_[static_cast<int64_t>(c) * plane_ + place] = space_ == ColorSpace::kLinearSrgb ? value : kCurve(value);
      }
    }
  }

 private:
  ColorSpace space_;
  int64_t plane_;
  Turn turn_;
  float* out_;
  std::array<std::array<float, 3>, 3> matrix_{};
};

// Rows [from, to) of the photo, white-balanced and, where it is asked for, behind the curve. Saturated colours are cut
// at the level that the least amplified one reaches, so that white stays white.
Mosaic strip_of(const RawPhoto& photo, int64_t from, int64_t to, const RootCurve* curve) {
  Mosaic strip{Plane(to - from, photo.values.width), photo.pattern.shifted(from, 0), {}};
  std::array<float, 3> gains{};
  for (size_t c = 0; c < 3; ++c) gains[c] = static_cast<float>(photo.white_balance[c]);
#pragma omp parallel for
  for (int64_t y = 0; y < to - from; ++y) {
    const float* const in = photo.values.row(from + y);
    float* const out = strip.values.row(y);
    for (int64_t x = 0; x < photo.values.width; ++x) {
      const float value = std::min(1.0F, in[x] * gains[static_cast<size_t>(strip.pattern.color(y, x))]);
      out[x] = curve != nullptr ? curve->root(value) : value;
    }
  }
  return strip;
}

}  // namespace

RootCurve::RootCurve(const NoiseModel& noise) {
  constexpr double kLeast = 0.002;
  constexpr double kMost = 0.25;
  double offset = kLeast;
  if (noise.gain > 0.0) offset = 0.375 * noise.gain + noise.read * noise.read / noise.gain;
  if (noise.gain <= 0.0 && noise.read > 0.0) offset = kMost;  // nothing grows with the signal: nearly straight
  offset_ = static_cast<float>(std::clamp(offset, kLeast, kMost));
  scale_ = 1.0F / (std::sqrt(1.0F + offset_) - std::sqrt(offset_));
  shift_ = std::sqrt(offset_);
}

// The curve is straight below minus half the offset.
float RootCurve::slope_at_knee() const {
  return 0.5F * scale_ / std::sqrt(0.5F * offset_);
}

float RootCurve::root(float linear) const {
  const float knee = -0.5F * offset_;
  if (linear >= knee) return scale_ * (std::sqrt(linear + offset_) - shift_);
  return scale_ * (std::sqrt(0.5F * offset_) - shift_) + slope_at_knee() * (linear - knee);
}

float RootCurve::linear(float root) const {
  const float knee = scale_ * (std::sqrt(0.5F * offset_) - shift_);
  if (root < knee) return -0.5F * offset_ + (root - knee) / slope_at_knee();
  const float square = root / scale_ + shift_;
  return square * square - offset_;
}

NoiseCurve RootCurve::noise_behind(const NoiseModel& raw, double gain) const {
  return NoiseCurve::from([&](double value) {
    const double x = std::max(0.0, static_cast<double>(linear(static_cast<float>(value))));
    const double slope = 0.5 * scale_ / std::sqrt(x + offset_);
    return slope * slope * gain * gain * raw.variance(x / gain);
  });
}

UprightSize upright_size(const RawPhoto& photo) {
  const bool turned = photo.orientation == 6 || photo.orientation == 8;
  return turned ? UprightSize{photo.values.height, photo.values.width}
                : UprightSize{photo.values.width, photo.values.height};
}

void develop(const RawPhoto& photo, const DevelopOptions& options, float* out) {
  const int64_t s = options.scale;
  const RowWriter writer(photo, options.space, s, out);
  const RootCurve curve(options.noise);
  const int64_t height = photo.values.height;
  const int64_t width = photo.values.width;
  // The mean of roots is below the root of the mean: by a quarter of the gain, whatever the brightness.
  const auto lift = static_cast<float>(options.on_roots ? 0.25 * options.noise.gain : 0.0);
  for (int64_t top = 0; top < height; top += kStrip) {
    const int64_t end = std::min(height, top + kStrip);
    const int64_t from = std::max<int64_t>(0, top - kAround);
    Mosaic strip = strip_of(photo, from, std::min(height, end + kAround), options.on_roots ? &curve : nullptr);
    if (options.on_roots && options.noise.any()) {
      for (size_t c = 0; c < 3; ++c) strip.noise[c] = curve.noise_behind(options.noise, photo.white_balance[c]);
    }
    Rgb made = options.demosaicing(strip);
#pragma omp parallel for
    for (int64_t y = s * top; y < s * end; ++y) {
      std::array<const float*, 3> rows{};
      for (size_t c = 0; c < 3; ++c) {
        float* const row = made[c].row(y - s * from);
        if (options.on_roots) {
          for (int64_t x = 0; x < s * width; ++x) row[x] = curve.linear(row[x]) + lift;
        }
        rows[c] = row;
      }
      writer.write(y, rows, s * width);
    }
  }
}

void develop_colors(const Rgb& colors, const RawPhoto& photo, ColorSpace space, float* out) {
  if (colors[0].height != photo.values.height || colors[0].width != photo.values.width) {
    throw InputError(fmt::format("demosaicing gave {}x{} pixels of a mosaic of {}x{}", colors[0].width,
                                 colors[0].height, photo.values.width, photo.values.height));
  }
  const RowWriter writer(photo, space, 1, out);
  for (int64_t y = 0; y < colors[0].height; ++y) {
    writer.write(y, {colors[0].row(y), colors[1].row(y), colors[2].row(y)}, colors[0].width);
  }
}

}  // namespace zsr::raw
