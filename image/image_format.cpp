#include "core/error.h"
#include "image/heif_hdr.h"
#include "image/optional_formats.h"
#include "image/photo_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace zsr {
namespace {

constexpr std::array<std::pair<const char*, ImageFormat>, 19> kNames{{
    {"png", ImageFormat::kPng},   {"jpeg", ImageFormat::kJpeg}, {"jpg", ImageFormat::kJpeg},
    {"jpe", ImageFormat::kJpeg},  {"tiff", ImageFormat::kTiff}, {"tif", ImageFormat::kTiff},
    {"webp", ImageFormat::kWebp}, {"pnm", ImageFormat::kPnm},   {"ppm", ImageFormat::kPnm},
    {"pgm", ImageFormat::kPnm},   {"pbm", ImageFormat::kPnm},   {"bmp", ImageFormat::kBmp},
    {"gif", ImageFormat::kGif},   {"heif", ImageFormat::kHeif}, {"heic", ImageFormat::kHeif},
    {"avif", ImageFormat::kAvif}, {"jxl", ImageFormat::kJxl},   {"jfif", ImageFormat::kJpeg},
    {"exr", ImageFormat::kExr},
}};

bool is_heif(ImageFormat format) {
  return format == ImageFormat::kHeif || format == ImageFormat::kAvif;
}

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

bool is_writable(ImageFormat format, DynamicRange range) {
  if (range == DynamicRange::kHdr) {
    if (is_heif(format)) return can_encode_heif(format, 10) || can_encode_heif(format, 12);
    return format == ImageFormat::kPng || format == ImageFormat::kTiff || format == ImageFormat::kExr;
  }
  if (format == ImageFormat::kExr) return false;
  return is_optional(format) || format == ImageFormat::kGif ? can_encode(format) : true;
}

std::string why_not_writable(ImageFormat format, DynamicRange range) {
  if (range == DynamicRange::kHdr && !is_heif(format)) {
    return fmt::format("the result is HDR, which {} files cannot hold; use avif, heic, png, tiff or exr",
                       to_string(format));
  }
  if (format == ImageFormat::kExr) return "exr files are for HDR results, and this one is not; use png or tiff";
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

int hdr_bit_depth(ImageFormat format, int wanted, const HdrCoding& from) {
  constexpr int kHalf = 16;
  constexpr int kFloat = 32;
  if (!is_heif(format)) {
    const bool linear = from.transfer == HdrTransfer::kLinear;
    const bool exr = format == ImageFormat::kExr;
    const int usual = (exr ? linear && from.bits == kFloat : format == ImageFormat::kTiff && linear) ? kFloat : kHalf;
    if (wanted == 0 || wanted == usual || (exr && (wanted == kHalf || wanted == kFloat))) {
      return wanted == 0 ? usual : wanted;
    }
    throw OptionError(fmt::format("bit depth {}: HDR {} files have {} bits a sample", wanted, to_string(format),
                                  exr ? "16 or 32" : std::to_string(usual)));
  }
  if (wanted != 0 && wanted != 10 && wanted != 12) {
    throw OptionError(fmt::format("bit depth {}: HDR {} files have 10 or 12 bits a sample", wanted, to_string(format)));
  }
  const int asked = wanted == 0 && from.bits == 12 && can_encode_heif(format, 12) ? 12 : wanted;
  for (const int bits : {10, 12}) {
    if ((asked == 0 || asked == bits) && can_encode_heif(format, bits)) return bits;
  }
  const std::string words = wanted == 0 ? "HDR" : fmt::format("{} bits", wanted);
  const bool other = wanted == 10 && can_encode_heif(format, 12);
  throw OptionError(fmt::format("libheif {} here cannot encode {} in {}; use {}png, tiff or exr", heif_version(), words,
                                to_string(format), other ? "--bit-depth 12, " : ""));
}

int max_bit_depth(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
    case ImageFormat::kTiff:
    case ImageFormat::kPnm:
    case ImageFormat::kJxl:
    case ImageFormat::kExr:
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
         format == ImageFormat::kGif || format == ImageFormat::kExr || is_optional(format);
}

}  // namespace zsr
