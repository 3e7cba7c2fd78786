#include "image/tiff_exif.h"

#include "image/tiff_fields.h"

#include <string_view>

namespace zsr {
namespace {

// Tag numbers of EXIF 2.3.
constexpr uint16_t kPixelWidth = 40962;
constexpr uint16_t kPixelHeight = 40963;
constexpr size_t kFirstDirectory = 4;  // where a TIFF file says where it lies

}  // namespace

std::string exif_from_tiff(const std::string& bytes) {
  const TiffExif parts = read_tiff_exif(bytes);
  if (parts.empty()) return {};
  std::string block("II*\0\0\0\0\0", 8);
  TiffFields main = parts.main;
  append_tiff_exif(block, parts, main);
  set_little32(block, kFirstDirectory, append_tiff_directory(block, main));
  return std::string("Exif\0\0", 6) + block;
}

std::string add_exif_to_tiff(const std::string& tiff, const std::string& exif, int64_t width, int64_t height) {
  constexpr size_t kLargestFile = (size_t{1} << 32U) - (size_t{64} << 20U);
  const std::string_view prefix("Exif\0\0", 6);
  std::string_view block = exif;
  if (block.substr(0, prefix.size()) == prefix) block.remove_prefix(prefix.size());
  TiffExif parts = read_tiff_exif(block);
  const TiffReader reader(tiff);
  if (parts.empty() || tiff.substr(0, 2) != "II" || !reader.valid() || tiff.size() > kLargestFile) return tiff;
  TiffFields main = reader.first();
  if (main.empty()) return tiff;
  for (auto& [tag, field] : parts.exif) {
    if (tag == kPixelWidth) field = tiff_number_field(kTiffLong, static_cast<uint32_t>(width));
    if (tag == kPixelHeight) field = tiff_number_field(kTiffLong, static_cast<uint32_t>(height));
  }
  std::string out = tiff;
  main.insert(parts.main.begin(), parts.main.end());  // what the writer set itself stays
  append_tiff_exif(out, parts, main);
  set_little32(out, kFirstDirectory, append_tiff_directory(out, main));
  return out;
}

}  // namespace zsr
