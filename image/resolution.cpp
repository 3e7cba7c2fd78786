#include "image/resolution.h"

#include "image/tiff_directory.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <zlib.h>

namespace zsr {
namespace {

constexpr double kMmPerInch = 25.4;
constexpr uint16_t kXResolution = 282;
constexpr uint16_t kYResolution = 283;
constexpr uint16_t kResolutionUnit = 296;

uint32_t big_endian32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && at + 4 <= bytes.size(); ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  }
  return value;
}

uint32_t little32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i > 0 && at + 4 <= bytes.size(); --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  }
  return value;
}

ByteSource source_of(std::ifstream& file) {
  return [&file](uint64_t at, size_t size) {
    std::string bytes(size, '\0');
    file.clear();
    file.seekg(static_cast<std::streamoff>(at));
    file.read(bytes.data(), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
    return bytes;
  };
}

Resolution of_directory(const std::optional<TiffDirectory>& directory) {
  if (!directory) return {};
  const auto x = directory->number(kXResolution);
  const auto y = directory->number(kYResolution);
  constexpr double kInch = 2.0;
  constexpr double kCentimeter = 3.0;
  const double unit = directory->number(kResolutionUnit).value_or(kInch);
  if (!x || !y || *x <= 0.0 || *y <= 0.0 || (unit != kInch && unit != kCentimeter)) return {};
  const double per = unit == kInch ? kMmPerInch : 10.0;
  return {*x / per, *y / per};
}

Resolution of_png(const ByteSource& bytes) {
  constexpr size_t kMostChunks = 1000;  // before the pixels
  uint64_t at = 8;
  for (size_t i = 0; i < kMostChunks; ++i) {
    const std::string chunk = bytes(at, 8 + 9);
    if (chunk.size() < 8 || chunk.substr(4, 4) == "IDAT") return {};
    if (chunk.substr(4, 4) == "pHYs" && chunk.size() == 17) {
      const bool meters = chunk[16] == 1;
      constexpr double kPerMeter = 1000.0;
      if (!meters) return {};
      return {big_endian32(chunk, 8) / kPerMeter, big_endian32(chunk, 12) / kPerMeter};
    }
    at += uint64_t{12} + big_endian32(chunk, 0);
  }
  return {};
}

Resolution of_jfif(const ByteSource& bytes) {
  const std::string head = bytes(0, 18);
  if (head.size() < 18 || head.substr(2, 2) != "\xFF\xE0" || head.substr(6, 5) != std::string("JFIF\0", 5)) return {};
  const auto density = [&](size_t at) {
    return static_cast<double>(static_cast<unsigned char>(head[at]) * 256 + static_cast<unsigned char>(head[at + 1]));
  };
  const int unit = head[13];
  if (unit != 1 && unit != 2) return {};
  const double per = unit == 1 ? kMmPerInch : 10.0;
  return {density(14) / per, density(16) / per};
}

Resolution of_bmp(const ByteSource& bytes) {
  const std::string head = bytes(0, 46);
  constexpr uint32_t kOldHeader = 12;  // has no such fields
  constexpr uint32_t kMost = 10'000'000;
  if (head.size() < 46 || little32(head, 14) == kOldHeader) return {};
  const uint32_t x = little32(head, 38);
  const uint32_t y = little32(head, 42);
  if (x > kMost || y > kMost) return {};
  return {x / 1000.0, y / 1000.0};
}

// Where the EXIF block of a HEIC or AVIF file begins: somewhere in it, marked as such.
size_t find_heif_exif(const std::string& file) {
  for (const std::string& byte_order : {std::string("II*\0", 4), std::string("MM\0*", 4)}) {
    const size_t at = file.find(std::string("Exif\0\0", 6) + byte_order);
    if (at != std::string::npos) return at;
  }
  return std::string::npos;
}

// libvips adds a resolution of one pixel per millimetre to an EXIF block of such a file that states none, so the file
// is asked. `exif`: what libvips says, for blocks without the mark.
Resolution of_heif(std::ifstream& stream, std::string_view exif) {
  constexpr std::streamoff kMostBytes = std::streamoff{1} << 28U;
  constexpr double kInvented = 1e-6;  // about 1 per mm
  if (exif.empty()) return {};
  stream.seekg(0, std::ios::end);
  const auto size = static_cast<size_t>(std::clamp<std::streamoff>(stream.tellg(), 0, kMostBytes));
  const std::string file = source_of(stream)(0, size);
  const size_t at = find_heif_exif(file);
  if (at != std::string::npos) return of_directory(TiffDirectory::read(std::string_view(file).substr(at)));
  const Resolution said = of_directory(TiffDirectory::read(exif));
  return std::abs(said.x - 1.0) < kInvented ? Resolution{} : said;
}

// The EXIF block that begins at `begin`, "Exif\0\0" in front or not.
void clean_exif(std::string& file, size_t begin) {
  const bool marked = file.compare(begin, 6, std::string("Exif\0\0", 6)) == 0;
  remove_tiff_fields(file, begin + (marked ? 6 : 0), {kXResolution, kYResolution, kResolutionUnit});
}

std::string clean_png(std::string file) {
  for (size_t at = 8; at + 12 <= file.size();) {
    const size_t size = big_endian32(file, at);
    const std::string type = file.substr(at + 4, 4);
    if (type == "IDAT" || at + 12 + size > file.size()) break;
    if (type == "pHYs") {
      file.erase(at, size + 12);
      continue;
    }
    if (type == "eXIf") {
      clean_exif(file, at + 8);
      const auto* chunk = reinterpret_cast<const Bytef*>(file.data() + at + 4);
      const auto sum = static_cast<uint32_t>(crc32(0, chunk, static_cast<uInt>(size + 4)));
      for (size_t i = 0; i < 4; ++i) file[at + 8 + size + i] = static_cast<char>(sum >> (24 - 8 * i) & 0xFFU);
    }
    at += size + 12;
  }
  return file;
}

std::string clean_jpeg(std::string file) {
  for (size_t at = 2; at + 4 <= file.size() && file[at] == '\xFF';) {
    const auto marker = static_cast<unsigned char>(file[at + 1]);
    constexpr unsigned char kStartOfScan = 0xDA;
    if (marker == kStartOfScan) break;
    const size_t size =
        static_cast<unsigned char>(file[at + 2]) * size_t{256} + static_cast<unsigned char>(file[at + 3]);
    if (at + 2 + size > file.size()) break;
    if (marker == 0xE0 && size >= 14 && file.compare(at + 4, 4, "JFIF") == 0) {
      file.replace(at + 11, 5, std::string("\0\0\1\0\1", 5));  // no unit; pixels as wide as high
    }
    if (marker == 0xE1 && size >= 16 && file.compare(at + 4, 4, "Exif") == 0) clean_exif(file, at + 4);
    at += 2 + size;
  }
  return file;
}

std::string clean_webp(std::string file) {
  for (size_t at = 12; at + 8 <= file.size();) {
    const size_t size = little32(file, at + 4);
    if (at + 8 + size > file.size()) break;
    if (file.compare(at, 4, "EXIF") == 0) clean_exif(file, at + 8);
    at += 8 + size + size % 2;
  }
  return file;
}

}  // namespace

Resolution read_resolution(const std::filesystem::path& file, ImageFormat format, std::string_view exif) {
  std::ifstream stream(file, std::ios::binary);
  const ByteSource bytes = source_of(stream);
  switch (format) {
    case ImageFormat::kTiff:
      return of_directory(TiffDirectory::read(bytes));
    case ImageFormat::kBmp:
      return of_bmp(bytes);
    case ImageFormat::kHeif:
    case ImageFormat::kAvif:
      return of_heif(stream, exif);
    case ImageFormat::kPng:
      if (const Resolution own = of_png(bytes); own.known()) return own;
      break;
    default:
      break;
  }
  if (!exif.empty()) {
    if (const Resolution own = of_directory(TiffDirectory::read(exif)); own.known()) return own;
  }
  return format == ImageFormat::kJpeg ? of_jfif(bytes) : Resolution{};
}

std::string without_resolution(std::string file, ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return clean_png(std::move(file));
    case ImageFormat::kJpeg:
      return clean_jpeg(std::move(file));
    case ImageFormat::kWebp:
      return clean_webp(std::move(file));
    case ImageFormat::kHeif:
    case ImageFormat::kAvif:
      if (const size_t at = find_heif_exif(file); at != std::string::npos) clean_exif(file, at);
      return file;
    case ImageFormat::kTiff:
      remove_tiff_fields(file, 0, {kXResolution, kYResolution, kResolutionUnit});
      return file;
    default:
      return file;
  }
}

std::string without_jxl_exif(std::string file) {
  // ISO/IEC 18181-2: boxes with their length and type in front; "brob" holds a compressed one, whose type comes next.
  constexpr size_t kHead = 8;
  if (!file.starts_with(std::string("\0\0\0\x0CJXL ", kHead))) return file;
  for (size_t at = 0; at + kHead <= file.size();) {
    const size_t size = big_endian32(file, at);
    if (size < kHead || at + size > file.size()) break;  // the last one, or a very long one
    const std::string_view type = std::string_view(file).substr(at + 4, 4);
    const bool exif = type == "Exif" || (type == "brob" && std::string_view(file).substr(at + kHead, 4) == "Exif");
    if (exif) {
      file.erase(at, size);
    } else {
      at += size;
    }
  }
  return file;
}

}  // namespace zsr
