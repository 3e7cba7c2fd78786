#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zsr {

/// A zip archive in memory whose entries are stored, not compressed, as PyTorch writes them. Everything it says is
/// checked against the bytes that are there; zip64 is understood.
class ZipArchive {
 public:
  /// Looks at the directory of `bytes`, which must stay alive. Throws InputError naming `origin`: no archive, damaged,
  /// compressed or encrypted entries, names twice.
  ZipArchive(std::string_view bytes, std::string origin);

  /// Names in the directory's order.
  std::vector<std::string> names() const;
  bool has(std::string_view name) const;
  /// The entry's bytes, its checksum verified (0 means that the writer made none). Throws InputError.
  std::string_view entry(std::string_view name) const;

 private:
  struct Entry {
    std::string name;
    uint64_t header = 0;
    uint64_t size = 0;
    uint32_t checksum = 0;
  };
  void read_wide_numbers(std::string_view extra, Entry& entry, uint64_t& packed) const;
  const Entry* find(std::string_view name) const;
  [[noreturn]] void damaged(const std::string& why) const;
  std::string_view bytes_;
  std::string origin_;
  std::vector<Entry> entries_;
};

}  // namespace zsr
