#include "image/color_profile.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace zsr {
namespace {

int depth_of(VipsImage* image) {
  return vips_image_get_format(image) == VIPS_FORMAT_USHORT ? 16 : 8;
}

// RGB (also of gray), alpha kept. Empty when libvips cannot use the profile.
std::optional<PixelBuffer> through_profile(const PixelBuffer& pixels, std::string_view profile) {
  const ImagePtr image = image_of(pixels);
  if (!image) return std::nullopt;
  vips_image_set_blob_copy(image.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  VipsImage* made = nullptr;
  if (vips_icc_transform(image.get(), &made, "srgb", "embedded", TRUE, "depth", pixels.bit_depth, nullptr) != 0) {
    vips_error_clear();
    return std::nullopt;
  }
  const ImagePtr owner(made);
  size_t size = 0;
  auto* const memory = static_cast<uint8_t*>(vips_image_write_to_memory(made, &size));
  if (memory == nullptr) {
    vips_error_clear();
    return std::nullopt;
  }
  PixelBuffer result{pixels.width, pixels.height, vips_image_get_bands(made), pixels.bit_depth, {}};
  result.bytes.assign(memory, memory + size);
  g_free(memory);
  return result;
}

// Colours all over the cube, or all grays.
PixelBuffer sample_colors(bool gray) {
  constexpr int kSteps = 9;
  PixelBuffer pixels{gray ? 256 : kSteps * kSteps * kSteps, 1, gray ? 1 : 3, 8, {}};
  for (int i = 0; i < pixels.width; ++i) {
    if (gray) {
      pixels.bytes.push_back(static_cast<uint8_t>(i));
      continue;
    }
    for (const int place : {1, kSteps, kSteps * kSteps}) {
      pixels.bytes.push_back(static_cast<uint8_t>(i / place % kSteps * 255 / (kSteps - 1)));
    }
  }
  return pixels;
}

// Whether it is a profile of sRGB, under whatever name.
bool changes_nothing(bool gray, std::string_view profile) {
  const PixelBuffer before = sample_colors(gray);
  const auto after = through_profile(before, profile);
  if (!after) return true;
  for (size_t i = 0; i < after->bytes.size(); ++i) {
    if (std::abs(int{after->bytes[i]} - int{before.bytes[gray ? i / 3 : i]}) > 1) return false;
  }
  return true;
}

}  // namespace

bool is_cmyk(VipsImage* image) {
  return vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
}

ImagePtr cmyk_to_srgb(VipsImage* image, const std::filesystem::path& path) {
  VipsImage* converted = nullptr;
  if (vips_icc_transform(image, &converted, "srgb", "embedded", TRUE, "input_profile", "cmyk", "depth", depth_of(image),
                         nullptr) != 0) {
    throw InputError(fmt::format("photo '{}' is in CMYK colour and cannot be converted to sRGB: {}", path.string(),
                                 take_vips_error()));
  }
  return ImagePtr(converted);
}

std::optional<PixelBuffer> converted_to_srgb(const PixelBuffer& pixels, std::string_view profile) {
  start_vips();
  const bool gray = pixels.bands <= 2;
  if (profile.empty() || changes_nothing(gray, profile)) return std::nullopt;
  std::optional<PixelBuffer> color = through_profile(pixels, profile);
  if (!color || !gray) return color;
  // Of its equal channels one, and alpha behind it.
  PixelBuffer result{pixels.width, pixels.height, pixels.bands, pixels.bit_depth, {}};
  const size_t sample = static_cast<size_t>(pixels.bit_depth) / 8;
  const size_t from = sample * static_cast<size_t>(color->bands);
  const size_t to = sample * static_cast<size_t>(pixels.bands);
  result.bytes.resize(pixels.bytes.size());
  for (size_t i = 0; i * from < color->bytes.size(); ++i) {
    const uint8_t* const rgb = color->bytes.data() + i * from;
    std::memcpy(result.bytes.data() + i * to, rgb + sample, sample);
    if (pixels.bands == 2) std::memcpy(result.bytes.data() + i * to + sample, rgb + 3 * sample, sample);
  }
  return result;
}

}  // namespace zsr
