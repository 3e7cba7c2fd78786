#include "image/tiff_directory.h"

#include <algorithm>
#include <array>

namespace zsr {
namespace {

size_t size_of_type(uint16_t type) {
  // TIFF 6.0 and BigTIFF: byte, text, short, long, rational, ..., and 8-byte integers from 16 on.
  constexpr std::array<uint8_t, 19> kSizes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

uint64_t integer_of(std::string_view bytes, size_t at, size_t size, bool little) {
  uint64_t value = 0;
  for (size_t i = 0; i < size && at + size <= bytes.size(); ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[at + (little ? size - 1 - i : i)]);
  }
  return value;
}

}  // namespace

uint64_t TiffDirectory::number_at(const std::string& data, size_t at, size_t size) const {
  return integer_of(data, at, size, little_);
}

std::optional<TiffDirectory> TiffDirectory::read(const ByteSource& bytes) {
  constexpr size_t kHead = 16;
  constexpr uint64_t kMostFields = 4096;  // real files have a few dozen
  constexpr size_t kKept = 64;
  const std::string head = bytes(0, kHead);
  if (head.size() < 8 || (head.substr(0, 2) != "II" && head.substr(0, 2) != "MM")) return std::nullopt;
  TiffDirectory directory;
  directory.little_ = head[0] == 'I';
  const uint64_t version = directory.number_at(head, 2, 2);
  if (version != 42 && version != 43) return std::nullopt;
  const bool big = version == 43;
  const size_t word = big ? 8 : 4;
  const size_t entry_size = big ? 20 : 12;
  const uint64_t begin = directory.number_at(head, big ? 8 : 4, word);
  const std::string counted = bytes(begin, big ? 8 : 2);
  const uint64_t count = directory.number_at(counted, 0, counted.size());
  if (count == 0 || count > kMostFields) return std::nullopt;
  const std::string entries = bytes(begin + counted.size(), count * entry_size);
  for (size_t at = 0; at + entry_size <= entries.size(); at += entry_size) {
    Field field;
    field.type = static_cast<uint16_t>(directory.number_at(entries, at + 2, 2));
    field.count = directory.number_at(entries, at + 4, word);
    const size_t item = size_of_type(field.type);
    if (item == 0 || field.count == 0 || field.count > UINT32_MAX) continue;
    const uint64_t size = field.count * item;
    const size_t kept = static_cast<size_t>(std::min<uint64_t>(size, kKept));
    field.data = size <= word ? entries.substr(at + 4 + word, kept)
                              : bytes(directory.number_at(entries, at + 4 + word, word), kept);
    directory.fields_[static_cast<uint16_t>(directory.number_at(entries, at, 2))] = std::move(field);
  }
  return directory;
}

std::optional<TiffDirectory> TiffDirectory::read(std::string_view block) {
  if (block.substr(0, 6) == std::string_view("Exif\0\0", 6)) block.remove_prefix(6);
  return read([block](uint64_t at, size_t size) {
    return at < block.size() ? std::string(block.substr(static_cast<size_t>(at), size)) : std::string();
  });
}

std::optional<double> TiffDirectory::number(uint16_t tag) const {
  const auto found = fields_.find(tag);
  if (found == fields_.end()) return std::nullopt;
  const Field& field = found->second;
  const size_t size = size_of_type(field.type);
  if (field.data.size() < size) return std::nullopt;
  constexpr uint16_t kRational = 5;
  if (field.type == kRational) {
    const auto below = static_cast<double>(number_at(field.data, 4, 4));
    if (below == 0.0) return std::nullopt;
    return static_cast<double>(number_at(field.data, 0, 4)) / below;
  }
  const bool whole = field.type == 1 || field.type == 3 || field.type == 4 || field.type == 13 || field.type == 16;
  if (!whole) return std::nullopt;
  return static_cast<double>(number_at(field.data, 0, size));
}

std::string TiffDirectory::text(uint16_t tag) const {
  const auto found = fields_.find(tag);
  if (found == fields_.end()) return {};
  return found->second.data.substr(0, found->second.data.find('\0'));
}

namespace {

// Where the first directory of a classic TIFF file lies, and how many entries it has.
struct Place {
  size_t directory = 0;  // 0: there is none
  size_t count = 0;
  bool little = true;
  size_t entry(size_t i) const { return directory + 2 + i * 12; }
};

Place place_of_directory(std::string_view bytes, size_t begin) {
  if (begin + 8 > bytes.size()) return {};
  Place place;
  place.little = bytes[begin] == 'I';
  const auto number = [&](size_t at, size_t size) {
    return static_cast<size_t>(integer_of(bytes, at, size, place.little));
  };
  if (bytes[begin] != bytes[begin + 1] || (!place.little && bytes[begin] != 'M') || number(begin + 2, 2) != 42)
    return {};
  const size_t directory = begin + number(begin + 4, 4);
  if (directory + 2 > bytes.size()) return {};
  place.count = number(directory, 2);
  if (directory + 2 + place.count * 12 + 4 > bytes.size()) return {};
  place.directory = directory;
  return place;
}

}  // namespace

void remove_tiff_fields(std::string& bytes, size_t begin, std::initializer_list<uint16_t> tags) {
  const Place place = place_of_directory(bytes, begin);
  if (place.directory == 0) return;
  constexpr size_t kEntry = 12;
  const size_t end = place.entry(place.count) + 4;  // behind the offset of the next directory
  size_t kept = 0;
  for (size_t i = 0; i < place.count; ++i) {
    const auto tag = static_cast<uint16_t>(integer_of(bytes, place.entry(i), 2, place.little));
    if (std::find(tags.begin(), tags.end(), tag) != tags.end()) continue;
    bytes.replace(place.entry(kept++), kEntry, bytes.substr(place.entry(i), kEntry));
  }
  bytes.replace(place.entry(kept), 4, bytes.substr(end - 4, 4));
  const size_t gone = (place.count - kept) * kEntry;
  bytes.replace(end - gone, gone, gone, '\0');
  bytes[place.directory + (place.little ? 0 : 1)] = static_cast<char>(kept & 0xFFU);
  bytes[place.directory + (place.little ? 1 : 0)] = static_cast<char>(kept >> 8U);
}

void remove_later_tiff_directories(std::string& bytes, size_t begin) {
  const Place place = place_of_directory(bytes, begin);
  if (place.directory != 0) bytes.replace(place.entry(place.count), 4, 4, '\0');
}

}  // namespace zsr
