#include "image/tiff_fields.h"

#include <algorithm>
#include <array>

namespace zsr {
namespace {

// Tag numbers from TIFF 6.0 and EXIF 2.3.
constexpr uint16_t kExifDirectory = 34665;
constexpr uint16_t kGpsDirectory = 34853;
constexpr uint16_t kInteroperability = 40965;
// Fields of the first directory that tell about the photo, not about how its pixels are stored: description, maker,
// model, software, date, artist, host, copyright and the Windows title, comment, author, keywords, subject.
constexpr std::array<uint16_t, 13> kDescriptive = {270,   271,   272,   305,   306,   315,  316,
                                                   33432, 40091, 40092, 40093, 40094, 40095};

size_t item_size(uint16_t type) {
  constexpr std::array<uint8_t, 13> kSizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

// Bytes per number inside an item: a rational is two 32-bit numbers.
size_t number_size(uint16_t type) {
  return type == 5 || type == 10 ? 4 : item_size(type);
}

}  // namespace

TiffReader::TiffReader(std::string_view bytes) : bytes_(bytes) {
  little_ = bytes.size() >= 8 && bytes.substr(0, 4) == std::string_view("II*\0", 4);
  valid_ = little_ || (bytes.size() >= 8 && bytes.substr(0, 4) == std::string_view("MM\0*", 4));
}

std::optional<uint32_t> TiffReader::number(size_t at, size_t size) const {
  if (size > bytes_.size() || at > bytes_.size() - size) return std::nullopt;
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    const size_t place = little_ ? size - 1 - i : i;
    value = (value << 8U) | static_cast<unsigned char>(bytes_[at + place]);
  }
  return value;
}

TiffFields TiffReader::directory(size_t at) const {
  TiffFields result;
  const auto count = number(at, 2);
  if (!count) return {};
  for (uint32_t i = 0; i < *count; ++i) {
    const size_t entry = at + 2 + size_t{12} * i;
    const auto tag = number(entry, 2);
    const auto type = number(entry + 2, 2);
    const auto items = number(entry + 4, 4);
    const auto place = number(entry + 8, 4);
    if (!tag || !type || !items || !place) return {};
    const uint64_t size = uint64_t{*items} * item_size(static_cast<uint16_t>(*type));
    if (size == 0 || size > (10U << 20U)) continue;  // unknown type, or far beyond any real field
    const size_t data = size <= 4 ? entry + 8 : *place;
    if (size > bytes_.size() || data > bytes_.size() - size) return {};
    result[static_cast<uint16_t>(*tag)] = {static_cast<uint16_t>(*type), *items,
                                           little_endian(data, size, static_cast<uint16_t>(*type))};
  }
  return result;
}

std::string TiffReader::little_endian(size_t at, size_t size, uint16_t type) const {
  std::string data(bytes_.substr(at, size));
  const size_t step = number_size(type);
  if (!little_ && step > 1) {
    for (size_t i = 0; i + step <= data.size(); i += step) {
      std::reverse(data.begin() + static_cast<std::ptrdiff_t>(i), data.begin() + static_cast<std::ptrdiff_t>(i + step));
    }
  }
  return data;
}

void append_little(std::string& out, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

void set_little32(std::string& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
}

TiffField tiff_number_field(uint16_t type, uint32_t value) {
  TiffField field{type, 1, {}};
  append_little(field.data, value, item_size(type));
  return field;
}

std::optional<uint32_t> tiff_offset(const TiffFields& fields, uint16_t tag) {
  const auto found = fields.find(tag);
  if (found == fields.end() || found->second.data.size() != 4) return std::nullopt;
  uint32_t offset = 0;
  for (size_t i = 4; i-- > 0;) offset = (offset << 8U) | static_cast<unsigned char>(found->second.data[i]);
  return offset;
}

uint32_t append_tiff_directory(std::string& out, const TiffFields& directory) {
  if (out.size() % 2 != 0) out += '\0';
  const auto begin = static_cast<uint32_t>(out.size());
  std::string entries;
  std::string data;
  const size_t data_begin = place_of_next_directory(begin, directory.size()) + 4;
  append_little(entries, static_cast<uint32_t>(directory.size()), 2);
  for (const auto& [tag, field] : directory) {
    append_little(entries, tag, 2);
    append_little(entries, field.type, 2);
    append_little(entries, field.count, 4);
    if (field.data.size() <= 4) {
      entries += field.data + std::string(4 - field.data.size(), '\0');
    } else {
      append_little(entries, static_cast<uint32_t>(data_begin + data.size()), 4);
      data += field.data;
      if (data.size() % 2 != 0) data += '\0';
    }
  }
  append_little(entries, 0, 4);  // no further directory
  out += entries + data;
  return begin;
}

size_t place_of_next_directory(size_t begin, size_t fields) {
  return begin + 2 + 12 * fields;
}

TiffExif read_tiff_exif(std::string_view bytes) {
  const TiffReader reader(bytes);
  if (!reader.valid()) return {};
  const TiffFields all = reader.first();
  TiffExif result;
  for (const uint16_t tag : kDescriptive) {
    if (const auto found = all.find(tag); found != all.end()) result.main.insert(*found);
  }
  if (const auto at = tiff_offset(all, kExifDirectory)) result.exif = reader.directory(*at);
  if (const auto at = tiff_offset(all, kGpsDirectory)) result.gps = reader.directory(*at);
  // The interoperability directory's offset would dangle; nothing needs it.
  result.exif.erase(kInteroperability);
  return result;
}

void append_tiff_exif(std::string& out, const TiffExif& parts, TiffFields& main) {
  if (!parts.exif.empty()) main[kExifDirectory] = tiff_number_field(kTiffLong, append_tiff_directory(out, parts.exif));
  if (!parts.gps.empty()) main[kGpsDirectory] = tiff_number_field(kTiffLong, append_tiff_directory(out, parts.gps));
}

}  // namespace zsr
