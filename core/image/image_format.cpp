#include "core/error.h"
#include "core/image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace zsr {
namespace {

constexpr std::array<std::pair<const char*, ImageFormat>, 17> kNames{{
    {"png", ImageFormat::kPng},
    {"jpeg", ImageFormat::kJpeg},
    {"jpg", ImageFormat::kJpeg},
    {"jpe", ImageFormat::kJpeg},
    {"tiff", ImageFormat::kTiff},
    {"tif", ImageFormat::kTiff},
    {"webp", ImageFormat::kWebp},
    {"pnm", ImageFormat::kPnm},
    {"ppm", ImageFormat::kPnm},
    {"pgm", ImageFormat::kPnm},
    {"pbm", ImageFormat::kPnm},
    {"bmp", ImageFormat::kBmp},
    {"gif", ImageFormat::kGif},
    {"heif", ImageFormat::kHeif},
    {"heic", ImageFormat::kHeif},
    {"avif", ImageFormat::kHeif},
    {"jfif", ImageFormat::kJpeg},
}};

}  // namespace

std::string to_string(ImageFormat format) {
  for (const auto& [name, value] : kNames) {
    if (value == format) return name;
  }
  return "unknown";
}

ImageFormat format_from_name(const std::filesystem::path& path) {
  std::string name = path.has_extension() ? path.extension().string().substr(1) : path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto& [known, format] : kNames) {
    if (name == known) return format;
  }
  throw OptionError(
      fmt::format("cannot tell an image format from '{}'; use .png, .jpg, .tif, .webp, .ppm or .bmp", path.string()));
}

bool is_writable(ImageFormat format) {
  return format != ImageFormat::kGif && format != ImageFormat::kHeif;
}

int max_bit_depth(ImageFormat format) {
  return format == ImageFormat::kPng || format == ImageFormat::kTiff || format == ImageFormat::kPnm ? 16 : 8;
}

int64_t max_side(ImageFormat format) {
  constexpr int64_t kJpegSide = 65500;     // JPEG_MAX_DIMENSION of libjpeg
  constexpr int64_t kWebpSide = 16383;     // 14 bits in the file
  constexpr int64_t kVipsSide = 10000000;  // VIPS_MAX_COORD
  return format == ImageFormat::kJpeg ? kJpegSide : format == ImageFormat::kWebp ? kWebpSide : kVipsSide;
}

bool holds_alpha(ImageFormat format) {
  // BMP has a variant with alpha, but OpenCV's writer does not make it.
  return format == ImageFormat::kPng || format == ImageFormat::kTiff || format == ImageFormat::kWebp;
}

}  // namespace zsr
