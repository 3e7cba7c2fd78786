#include "image/metadata_table.h"

#include "core/files.h"
#include "image/optional_formats.h"
#include "image/png_chunks.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <string_view>

namespace zsr {
namespace {

// What a photo may carry besides pixels, and the formats whose files, as zsr writes them, hold it.
struct Carried {
  const char* words;
  std::array<bool, 9> held;  // PNG, JPEG, TIFF, WebP, PNM, BMP, HEIC and AVIF, JPEG XL, OpenEXR
};
enum CarriedKind : size_t { kIcc, kExif, kXmp, kIptc, kText, kComment, kColorCode, kGainMap, kPictures };
constexpr std::array<Carried, 9> kTable{{
    {"the colour profile", {true, true, true, true, false, false, true, true}},
    {"EXIF data", {true, true, true, true, false, false, true, false}},
    {"XMP data", {true, true, true, true, false, false, true, false}},
    {"IPTC data", {false, true, true, false, false, false}},
    {"text chunks", {true, false, false, false, false, false}},
    {"the comment", {false, false, false, false, false, false}},
    {"the cICP colour description", {true, false, false, false, false, false}},
    {"the HDR gain map", {false, true, false, false, false, false}},
    {"its further pictures", {false, false, false, false, false, false}},
}};

size_t column_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::kPng:
      return 0;
    case ImageFormat::kJpeg:
      return 1;
    case ImageFormat::kTiff:
      return 2;
    case ImageFormat::kWebp:
      return 3;
    case ImageFormat::kPnm:
      return 4;
    case ImageFormat::kHeif:
    case ImageFormat::kAvif:
      return 6;
    case ImageFormat::kJxl:
      return 7;
    case ImageFormat::kExr:
      return 8;
    default:
      return 5;
  }
}

bool is_held(size_t kind, ImageFormat target) {
  if (kTable[kind].held[column_of(target)]) return true;
  return target == ImageFormat::kJxl && (kind == kExif || kind == kXmp) && keeps_metadata(target);
}

struct Chunk {
  std::string type;
  std::string whole;  // length, type, data and checksum
};

// The chunks between a PNG's header and its end that are no pixels.
std::vector<Chunk> png_chunks(const std::filesystem::path& path) {
  constexpr uint64_t kLargest = 16U << 20U;
  std::ifstream file(readable_path(path), std::ios::binary);
  std::vector<Chunk> chunks;
  std::string head(8, '\0');
  file.seekg(kPngSignature);
  while (file.read(head.data(), 8)) {
    const uint64_t size = big_endian_number(head, 0, 4);
    const std::string type = head.substr(4);
    if (type == "IEND") break;
    if (type == "IDAT" || type == "fdAT" || type == "IHDR" || size > kLargest) {
      file.seekg(static_cast<std::streamoff>(size + 4), std::ios::cur);
      continue;
    }
    std::string rest(static_cast<size_t>(size) + 4, '\0');
    if (!file.read(rest.data(), static_cast<std::streamsize>(rest.size()))) break;
    chunks.push_back({type, head + rest});
  }
  return chunks;
}

bool is_color_chunk(const Chunk& chunk) {
  return chunk.type == "gAMA" || chunk.type == "cHRM" || chunk.type == "cICP" || chunk.type == "sRGB";
}

// XMP, and the profiles that some programs store as text, are carried as what they are.
bool is_text_chunk(const Chunk& chunk) {
  if (chunk.type != "tEXt" && chunk.type != "zTXt" && chunk.type != "iTXt") return false;
  const std::string_view data = std::string_view(chunk.whole).substr(8);
  return !data.starts_with("XML:com.adobe.xmp") && !data.starts_with("Raw profile type");
}

struct JpegMarks {
  bool comment = false;
  bool pictures = false;  // several in one file (MPF)
  bool gain_map = false;  // of the second
};

JpegMarks jpeg_marks(const std::filesystem::path& path) {
  constexpr size_t kMostSegments = 1000;
  std::ifstream file(readable_path(path), std::ios::binary);
  JpegMarks marks;
  file.seekg(2);
  std::string head(4, '\0');
  for (size_t i = 0; i < kMostSegments && file.read(head.data(), 4) && head[0] == '\xFF'; ++i) {
    const auto marker = static_cast<unsigned char>(head[1]);
    const uint64_t size = big_endian_number(head, 2, 2);
    if (marker == 0xDA || size < 2) break;  // the pixels begin
    std::string data(static_cast<size_t>(size) - 2, '\0');
    if (!file.read(data.data(), static_cast<std::streamsize>(data.size()))) break;
    marks.comment = marks.comment || marker == 0xFE;
    marks.pictures = marks.pictures || (marker == 0xE2 && data.compare(0, 3, "MPF") == 0);
    marks.gain_map = marks.gain_map || (marker == 0xE1 && data.find("hdrgm:Version") != std::string::npos);
    marks.gain_map = marks.gain_map || (marker == 0xE2 && data.starts_with("urn:iso:std:iso:ts:21496:-1"));
  }
  return marks;
}

}  // namespace

std::vector<std::string> left_behind(const std::filesystem::path& file, const PhotoHeader& header, ImageFormat target,
                                     DynamicRange range) {
  std::array<bool, kTable.size()> carried{};
  carried[kIcc] = header.icc_bytes > 0 && range == DynamicRange::kSdr;  // before HDR the colours are converted by it
  carried[kExif] = header.exif_bytes > 0;
  carried[kXmp] = header.xmp_bytes > 0;
  carried[kIptc] = header.iptc_bytes > 0;
  if (header.format == ImageFormat::kPng) {
    for (const Chunk& chunk : png_chunks(file)) {
      // Gamma and primaries are converted where they are not kept.
      carried[kColorCode] = carried[kColorCode] || (chunk.type == "cICP" && header.icc_bytes == 0 && !header.hdr);
      carried[kText] = carried[kText] || is_text_chunk(chunk);
    }
  } else if (header.format == ImageFormat::kJpeg) {
    const JpegMarks marks = jpeg_marks(file);
    carried[kComment] = marks.comment;
    carried[kGainMap] = marks.gain_map;
    carried[kPictures] = marks.pictures && !marks.gain_map;
  }
  std::vector<std::string> lost;
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (carried[i] && !is_held(i, target)) lost.emplace_back(kTable[i].words);
  }
  return lost;
}

std::string kept_png_chunks(const std::filesystem::path& file, bool with_color) {
  std::string kept;
  std::string texts;
  for (const Chunk& chunk : png_chunks(file)) {
    if (with_color && is_color_chunk(chunk)) kept += chunk.whole;
    if (is_text_chunk(chunk)) texts += chunk.whole;
  }
  return kept + texts;
}

std::string with_png_chunks(std::string png, const std::string& chunks) {
  constexpr size_t kHeader = 25;  // IHDR with its length and checksum
  if (png.size() > kPngSignature + kHeader) png.insert(kPngSignature + kHeader, chunks);
  return png;
}

}  // namespace zsr
