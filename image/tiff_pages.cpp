#include "image/tiff_pages.h"

#include "core/error.h"
#include "image/tiff_fields.h"

#include <optional>

namespace zsr {
namespace {

constexpr uint16_t kStripOffsets = 273;
constexpr uint16_t kTileOffsets = 324;
constexpr uint16_t kShort = 3;

// Where the last directory of `file` says that none follows.
size_t place_of_end(const std::string& file) {
  const TiffReader reader(file);
  size_t place = 4;
  for (auto at = reader.number(place, 4); at && *at != 0; at = reader.number(place, 4)) {
    const auto count = reader.number(*at, 2);
    if (!count || *at < place) throw InputError("a TIFF page cannot be added: the file is damaged");
    place = place_of_next_directory(*at, *count);
  }
  return place;
}

// The offsets of pixels, each `shift` further on, as 32-bit numbers.
TiffField shifted(const TiffField& offsets, uint32_t shift) {
  const size_t size = offsets.type == kShort ? 2 : 4;
  TiffField moved{kTiffLong, offsets.count, {}};
  for (size_t i = 0; i < offsets.count; ++i) {
    uint32_t value = 0;
    for (size_t k = size; k-- > 0;) value = value << 8U | static_cast<unsigned char>(offsets.data.at(i * size + k));
    append_little(moved.data, value + shift, 4);
  }
  return moved;
}

}  // namespace

void append_tiff_page(std::string& file, const std::string& page) {
  if (file.empty()) {
    file = page;
    return;
  }
  const TiffReader reader(page);
  TiffFields main = reader.valid() ? reader.first() : TiffFields();
  if (main.empty() || !file.starts_with("II") || !page.starts_with("II")) {
    throw InputError("a TIFF page cannot be added: it is no classic little-endian TIFF");
  }
  constexpr size_t kLargestFile = (size_t{1} << 32U) - (size_t{64} << 20U);
  if (file.size() + page.size() > kLargestFile) {
    throw OptionError("the pages do not fit into one TIFF file, which holds 4 GiB; write fewer with --pages");
  }
  if (file.size() % 2 != 0) file += '\0';
  const size_t end = place_of_end(file);
  const auto shift = static_cast<uint32_t>(file.size());
  file += page;
  for (const uint16_t tag : {kStripOffsets, kTileOffsets}) {
    if (const auto found = main.find(tag); found != main.end()) found->second = shifted(found->second, shift);
  }
  append_tiff_exif(file, read_tiff_exif(page), main);
  set_little32(file, end, append_tiff_directory(file, main));
}

}  // namespace zsr
