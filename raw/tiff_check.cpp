#include "raw/tiff_check.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace zsr::raw {
namespace {

constexpr uint16_t kSubDirectories = 330;
constexpr uint16_t kCfaRepeat = 33421;
constexpr uint16_t kCfaPattern = 33422;
constexpr uint16_t kExifDirectory = 34665;
constexpr uint16_t kKodakPattern = 64777;

constexpr const char* kFault =
    "its mosaic is neither 2 x 2 nor 6 x 6 pixels, which zsr does not know, or the header is damaged";

// Numbers in the byte order of the file.
class Reader {
 public:
  Reader(const Bytes& bytes, bool little) : bytes_(bytes), little_(little) {}
  std::optional<uint32_t> number(uint64_t offset, size_t size) const {
    const std::string part = bytes_(offset, size);
    if (part.size() < size) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const auto byte = static_cast<uint8_t>(part[little_ ? size - 1 - i : i]);
      value = value << 8U | byte;
    }
    return value;
  }

 private:
  const Bytes& bytes_;
  bool little_;
};

using TileSize = std::pair<uint32_t, uint32_t>;

// The size that a field of two shorts gives; (0, 0) for others.
TileSize tile_size_at(const Reader& reader, uint64_t entry) {
  if (reader.number(entry + 2, 2) != 3U || reader.number(entry + 4, 4) != 2U) return {0, 0};
  return {reader.number(entry + 8, 2).value_or(0), reader.number(entry + 10, 2).value_or(0)};
}

// Reads one directory; adds those that it names to `pending`.
std::string fault_of_directory(const Reader& reader, uint64_t offset, std::vector<uint64_t>& pending) {
  constexpr uint32_t kMostEntries = 4096;
  constexpr uint32_t kMostChildren = 64;
  const auto count = reader.number(offset, 2);
  if (!count || *count > kMostEntries) return "";
  // Fields count in the order in which they stand: LibRaw uses each as soon as it has read it.
  TileSize size{0, 0};
  for (uint32_t i = 0; i < *count; ++i) {
    const uint64_t entry = offset + 2 + uint64_t{12} * i;
    const auto tag = reader.number(entry, 2);
    const auto values = reader.number(entry + 4, 4);
    const auto value = reader.number(entry + 8, 4);
    if (!tag || !values || !value) return "";
    if (*tag == kCfaRepeat) size = tile_size_at(reader, entry);
    const bool by_size = (size == TileSize{2, 2} && *values == 4) || (size == TileSize{6, 6} && *values == 36);
    if (*tag == kCfaPattern && !by_size) return kFault;
    if (*tag == kKodakPattern && *values != 4) return kFault;
    if (*tag == kExifDirectory || (*tag == kSubDirectories && *values == 1)) pending.push_back(*value);
    if (*tag == kSubDirectories && *values > 1) {
      for (uint32_t k = 0; k < std::min(*values, kMostChildren); ++k) {
        if (const auto child = reader.number(*value + uint64_t{4} * k, 4)) pending.push_back(*child);
      }
    }
  }
  if (const auto next = reader.number(offset + 2 + uint64_t{12} * *count, 4); next && *next != 0)
    pending.push_back(*next);
  return "";
}

}  // namespace

std::string fault_of_mosaic_fields(const Bytes& bytes) {
  constexpr size_t kMostDirectories = 256;
  const std::string head = bytes(0, 4);
  if (head.size() < 4 || (head.substr(0, 2) != "II" && head.substr(0, 2) != "MM")) return "";
  const Reader reader(bytes, head[0] == 'I');
  std::vector<uint64_t> pending;
  if (const auto first = reader.number(4, 4)) pending.push_back(*first);
  std::set<uint64_t> seen;
  while (!pending.empty() && seen.size() < kMostDirectories) {
    const uint64_t offset = pending.back();
    pending.pop_back();
    if (!seen.insert(offset).second) continue;
    if (std::string fault = fault_of_directory(reader, offset, pending); !fault.empty()) return fault;
  }
  return "";
}

}  // namespace zsr::raw
