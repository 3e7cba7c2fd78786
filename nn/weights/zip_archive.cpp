#include "nn/weights/zip_archive.h"

#include "core/error.h"
#include "nn/weights/byte_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <zlib.h>

namespace zsr {
namespace {

// Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (its end, zip64).
constexpr uint32_t kLocalMagic = 0x04034b50;
constexpr uint32_t kDirectoryMagic = 0x02014b50;
constexpr uint32_t kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50;
constexpr uint32_t kLocator64Magic = 0x07064b50;
constexpr uint64_t kEndSize = 22;
constexpr uint64_t kLocatorSize = 20;
constexpr uint64_t kDirectorySize = 46;
constexpr uint64_t kLocalSize = 30;
constexpr uint32_t kIn64 = 0xffffffff;
constexpr uint64_t kMaxEntries = 1 << 20;

}  // namespace

void ZipArchive::damaged(const std::string& why) const {
  throw InputError(fmt::format("'{}' is a damaged zip archive: {}", origin_, why));
}

// Numbers that do not fit lie, in this order, in the extra field 1.
void ZipArchive::read_wide_numbers(std::string_view extra, Entry& entry, uint64_t& packed) const {
  for (uint64_t at = 0; at + 4 <= extra.size();) {
    const uint16_t tag = *number_at<uint16_t>(extra, at);
    const uint16_t size = *number_at<uint16_t>(extra, at + 2);
    uint64_t field = at + 4;
    for (uint64_t* value : {&entry.size, &packed, &entry.header}) {
      if (tag != 1 || *value != kIn64) continue;
      const auto wide = number_at<uint64_t>(extra, field);
      if (!wide) damaged(fmt::format("the sizes of '{}' are missing", entry.name));
      *value = *wide;
      field += 8;
    }
    at += 4 + static_cast<uint64_t>(size);
  }
}

ZipArchive::ZipArchive(std::string_view bytes, std::string origin) : bytes_(bytes), origin_(std::move(origin)) {
  // The end record lies in the last 64 KiB, behind it at most a comment.
  if (bytes.size() < kEndSize) damaged("too short");
  uint64_t end = bytes.size() - kEndSize;
  const uint64_t earliest = end > 0xffff ? end - 0xffff : 0;
  while (number_at<uint32_t>(bytes, end) != kEndMagic) {
    if (end == earliest) damaged("its directory is missing; it was cut");
    --end;
  }
  uint64_t count = *number_at<uint16_t>(bytes, end + 10);
  uint64_t position = *number_at<uint32_t>(bytes, end + 16);
  if (end >= kLocatorSize && number_at<uint32_t>(bytes, end - kLocatorSize) == kLocator64Magic) {
    const uint64_t end64 = *number_at<uint64_t>(bytes, end - kLocatorSize + 8);
    const auto magic = number_at<uint32_t>(bytes, end64);
    const auto count64 = number_at<uint64_t>(bytes, end64 + 32);
    const auto position64 = number_at<uint64_t>(bytes, end64 + 48);
    if (magic != kEnd64Magic || !count64 || !position64) damaged("its zip64 record lies outside");
    count = *count64;
    position = *position64;
  }
  if (count > kMaxEntries) damaged("too many entries");
  std::set<std::string> seen;
  for (uint64_t i = 0; i < count; ++i) {
    const auto fixed = bytes_at(bytes, position, kDirectorySize);
    if (!fixed || number_at<uint32_t>(*fixed, 0) != kDirectoryMagic) damaged("its directory is broken");
    const uint16_t flags = *number_at<uint16_t>(*fixed, 8);
    const uint16_t method = *number_at<uint16_t>(*fixed, 10);
    uint64_t packed = *number_at<uint32_t>(*fixed, 20);
    Entry entry{
        {}, *number_at<uint32_t>(*fixed, 42), *number_at<uint32_t>(*fixed, 24), *number_at<uint32_t>(*fixed, 16)};
    const uint64_t name_size = *number_at<uint16_t>(*fixed, 28);
    const uint64_t extra_size = *number_at<uint16_t>(*fixed, 30);
    const uint64_t comment_size = *number_at<uint16_t>(*fixed, 32);
    const auto name = bytes_at(bytes, position + kDirectorySize, name_size);
    const auto extra = bytes_at(bytes, position + kDirectorySize + name_size, extra_size);
    if (!name || !extra) damaged("its directory is broken");
    entry.name = std::string(*name);
    read_wide_numbers(*extra, entry, packed);
    if ((flags & 1) != 0) damaged(fmt::format("'{}' is encrypted", entry.name));
    if (method != 0 || packed != entry.size) {
      damaged(fmt::format("'{}' is compressed; PyTorch stores its entries as they are", entry.name));
    }
    if (!seen.insert(entry.name).second) damaged(fmt::format("'{}' occurs twice", entry.name));
    entries_.push_back(std::move(entry));
    position += kDirectorySize + name_size + extra_size + comment_size;
  }
}

std::vector<std::string> ZipArchive::names() const {
  std::vector<std::string> all;
  for (const Entry& entry : entries_) all.push_back(entry.name);
  return all;
}

const ZipArchive::Entry* ZipArchive::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

bool ZipArchive::has(std::string_view name) const {
  return find(name) != nullptr;
}

std::string_view ZipArchive::entry(std::string_view name) const {
  const Entry* const found = find(name);
  if (found == nullptr) damaged(fmt::format("it has no '{}'", name));
  const auto local = bytes_at(bytes_, found->header, kLocalSize);
  if (!local || number_at<uint32_t>(*local, 0) != kLocalMagic) damaged(fmt::format("'{}' lies outside", name));
  const uint64_t skip = static_cast<uint64_t>(*number_at<uint16_t>(*local, 26)) + *number_at<uint16_t>(*local, 28);
  const auto data = bytes_at(bytes_, found->header + kLocalSize + skip, found->size);
  if (!data) damaged(fmt::format("'{}' ends beyond the file; it was cut", name));
  if (found->checksum != 0) {
    const auto sum = crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const Bytef*>(data->data()), data->size());
    if (static_cast<uint32_t>(sum) != found->checksum) damaged(fmt::format("the checksum of '{}' is wrong", name));
  }
  return *data;
}

}  // namespace zsr
