#include "image/png_color.h"

#include "image/chromaticities.h"
#include "image/png_chunks.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

double srgb_of(double light) {
  light = std::clamp(light, 0.0, 1.0);
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1.0 / 2.4) - 0.055;
}

bool can_be(const PngColor& color) {
  return color.gamma > 0.05 && color.gamma < 10.0 && is_possible(color.primaries);
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
  const Matrix3 mix = rgb_to_rgb(color.primaries, srgb.primaries);
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
    const Vector3 made = mix * Vector3{light[samples[at]], light[samples[at + 1]], light[samples[at + 2]]};
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
  if (!stated || !can_be(color) || is_srgb(color)) return std::nullopt;
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
