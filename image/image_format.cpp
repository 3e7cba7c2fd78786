#include "core/error.h"
#include "image/optional_formats.h"
#include "image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace zsr {
namespace {

constexpr std::array<std::pair<const char*, ImageFormat>, 18> kNames{{
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
    {"avif", ImageFormat::kAvif},
    {"jxl", ImageFormat::kJxl},
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
  return is_optional(format) || format == ImageFormat::kGif ? can_encode(format) : true;
}

std::string why_not_writable(ImageFormat format) {
  constexpr const char* kInstead = "use png, jpeg, tiff, webp, pnm or bmp";
  const char* missing = nullptr;
  if (format == ImageFormat::kGif) missing = "cgif";
  if (format == ImageFormat::kJxl) missing = "libjxl";
  if (format == ImageFormat::kAvif) missing = "libheif with an encoder of AV1 (libaom, SVT-AV1 or rav1e)";
  if (format == ImageFormat::kHeif) missing = "libheif with an encoder of HEVC (x265)";
  if (missing == nullptr) return fmt::format("zsr does not write {} files; {}", to_string(format), kInstead);
  return fmt::format("{} files cannot be written here: libvips lacks {}; install that, or {}", to_string(format),
                     missing, kInstead);
}

int max_bit_depth(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
    case ImageFormat::kTiff:
    case ImageFormat::kPnm:
    case ImageFormat::kJxl:
      return 16;
    default:
      return 8;
  }
}

int64_t max_side(ImageFormat format) {
  constexpr int64_t kJpegSide = 65500;     // JPEG_MAX_DIMENSION of libjpeg
  constexpr int64_t kGifSide = 65535;      // 16 bits in the file
  constexpr int64_t kWebpSide = 16383;     // 14 bits in the file
  constexpr int64_t kVipsSide = 10000000;  // VIPS_MAX_COORD
  constexpr int64_t kHeifSide = 16384;     // libheif 1.15 makes larger files, but does not read them
  switch (format) {
    case ImageFormat::kJpeg:
      return kJpegSide;
    case ImageFormat::kGif:
      return kGifSide;
    case ImageFormat::kWebp:
      return kWebpSide;
    case ImageFormat::kHeif:
    case ImageFormat::kAvif:
      return kHeifSide;
    default:
      return kVipsSide;
  }
}

bool holds_alpha(ImageFormat format) {
  // BMP has a variant with alpha, but OpenCV's writer does not make it.
  return format == ImageFormat::kPng || format == ImageFormat::kTiff || format == ImageFormat::kWebp ||
         format == ImageFormat::kGif || is_optional(format);
}

}  // namespace zsr
