#include "core/image/tiff_exif.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

namespace zsr {
namespace {

// Tag numbers from TIFF 6.0 and EXIF 2.3.
constexpr uint16_t kExifDirectory = 34665;
constexpr uint16_t kGpsDirectory = 34853;
constexpr uint16_t kPixelWidth = 40962;
constexpr uint16_t kPixelHeight = 40963;
constexpr uint16_t kLong = 4;
// Fields of the first directory that tell about the photo, not about how its pixels are stored: description, maker,
// model, software, date, artist, host, copyright and the Windows title, comment, author, keywords, subject.
constexpr std::array<uint16_t, 13> kDescriptive = {270,   271,   272,   305,   306,   315,  316,
                                                   33432, 40091, 40092, 40093, 40094, 40095};

struct Field {
  uint16_t type = 0;
  uint32_t count = 0;
  std::string data;  // little-endian
};
using Directory = std::map<uint16_t, Field>;

size_t item_size(uint16_t type) {
  constexpr std::array<uint8_t, 13> kSizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

// Bytes per number inside an item: a rational is two 32-bit numbers.
size_t number_size(uint16_t type) {
  return type == 5 || type == 10 ? 4 : item_size(type);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {
    little_ = bytes.size() >= 8 && bytes.substr(0, 4) == std::string_view("II*\0", 4);
    const bool big = bytes.size() >= 8 && bytes.substr(0, 4) == std::string_view("MM\0*", 4);
    valid_ = little_ || big;
  }

  bool valid() const { return valid_; }

  std::optional<uint32_t> number(size_t at, size_t size) const {
    if (size > bytes_.size() || at > bytes_.size() - size) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t place = little_ ? size - 1 - i : i;
      value = (value << 8U) | static_cast<unsigned char>(bytes_[at + place]);
    }
    return value;
  }

  // Empty when the directory is broken.
  Directory directory(size_t at) const {
    Directory result;
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

 private:
  std::string little_endian(size_t at, size_t size, uint16_t type) const {
    std::string data(bytes_.substr(at, size));
    const size_t step = number_size(type);
    if (!little_ && step > 1) {
      for (size_t i = 0; i + step <= data.size(); i += step) {
        std::reverse(data.begin() + static_cast<std::ptrdiff_t>(i),
                     data.begin() + static_cast<std::ptrdiff_t>(i + step));
      }
    }
    return data;
  }

  std::string_view bytes_;
  bool little_ = false;
  bool valid_ = false;
};

void append(std::string& out, uint32_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

Field number_field(uint16_t type, uint32_t value) {
  Field field{type, 1, {}};
  append(field.data, value, item_size(type));
  return field;
}

// Appends the directory to `out` (whose size is a file offset) and returns where it begins.
uint32_t append_directory(std::string& out, const Directory& directory) {
  if (out.size() % 2 != 0) out += '\0';
  const auto begin = static_cast<uint32_t>(out.size());
  std::string entries;
  std::string data;
  const size_t data_begin = begin + 2 + 12 * directory.size() + 4;
  append(entries, static_cast<uint32_t>(directory.size()), 2);
  for (const auto& [tag, field] : directory) {
    append(entries, tag, 2);
    append(entries, field.type, 2);
    append(entries, field.count, 4);
    if (field.data.size() <= 4) {
      entries += field.data + std::string(4 - field.data.size(), '\0');
    } else {
      append(entries, static_cast<uint32_t>(data_begin + data.size()), 4);
      data += field.data;
      if (data.size() % 2 != 0) data += '\0';
    }
  }
  append(entries, 0, 4);  // no further directory
  out += entries + data;
  return begin;
}

std::optional<uint32_t> as_offset(const Directory& directory, uint16_t tag) {
  const auto found = directory.find(tag);
  if (found == directory.end() || found->second.data.size() != 4) return std::nullopt;
  uint32_t offset = 0;
  for (size_t i = 4; i-- > 0;) offset = (offset << 8U) | static_cast<unsigned char>(found->second.data[i]);
  return offset;
}

// The parts of an EXIF carrier (a TIFF file or an EXIF block) that describe the photo.
struct Exif {
  Directory main;
  Directory exif;
  Directory gps;
  bool empty() const { return main.empty() && exif.empty() && gps.empty(); }
};

Exif read_exif(std::string_view bytes) {
  const Reader reader(bytes);
  if (!reader.valid()) return {};
  const Directory all = reader.directory(reader.number(4, 4).value_or(0));
  Exif result;
  for (const uint16_t tag : kDescriptive) {
    if (const auto found = all.find(tag); found != all.end()) result.main.insert(*found);
  }
  if (const auto at = as_offset(all, kExifDirectory)) result.exif = reader.directory(*at);
  if (const auto at = as_offset(all, kGpsDirectory)) result.gps = reader.directory(*at);
  // The interoperability directory's offset would dangle; nothing needs it.
  result.exif.erase(40965);
  return result;
}

// Appends the sub-directories to `out` and points `main` at them.
void append_parts(std::string& out, const Exif& parts, Directory& main) {
  if (!parts.exif.empty()) main[kExifDirectory] = number_field(kLong, append_directory(out, parts.exif));
  if (!parts.gps.empty()) main[kGpsDirectory] = number_field(kLong, append_directory(out, parts.gps));
}

void set_first_directory(std::string& file, uint32_t offset) {
  for (size_t i = 0; i < 4; ++i) file[4 + i] = static_cast<char>((offset >> (8 * i)) & 0xFFU);
}

}  // namespace

std::string exif_from_tiff(const std::string& bytes) {
  const Exif parts = read_exif(bytes);
  if (parts.empty()) return {};
  std::string block("II*\0\0\0\0\0", 8);
  Directory main = parts.main;
  append_parts(block, parts, main);
  set_first_directory(block, append_directory(block, main));
  return std::string("Exif\0\0", 6) + block;
}

std::string add_exif_to_tiff(const std::string& tiff, const std::string& exif, int64_t width, int64_t height) {
  constexpr size_t kLargestFile = (size_t{1} << 32U) - (size_t{64} << 20U);
  const std::string_view prefix("Exif\0\0", 6);
  std::string_view block = exif;
  if (block.substr(0, prefix.size()) == prefix) block.remove_prefix(prefix.size());
  Exif parts = read_exif(block);
  const Reader reader(tiff);
  if (parts.empty() || tiff.substr(0, 2) != "II" || !reader.valid() || tiff.size() > kLargestFile) return tiff;
  Directory main = reader.directory(reader.number(4, 4).value_or(0));
  if (main.empty()) return tiff;
  for (auto& [tag, field] : parts.exif) {
    if (tag == kPixelWidth) field = number_field(kLong, static_cast<uint32_t>(width));
    if (tag == kPixelHeight) field = number_field(kLong, static_cast<uint32_t>(height));
  }
  std::string out = tiff;
  main.insert(parts.main.begin(), parts.main.end());  // what the writer set itself stays
  append_parts(out, parts, main);
  set_first_directory(out, append_directory(out, main));
  return out;
}

}  // namespace zsr
