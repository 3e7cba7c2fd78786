#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zsr {

/// Bytes of a file from `at` on, at most `size` of them; fewer where it ends.
using ByteSource = std::function<std::string(uint64_t at, size_t size)>;

/// The first directory of a TIFF file, or of an EXIF block, which is built like one. Classic TIFF and BigTIFF.
class TiffDirectory {
 public:
  /// Nothing when `bytes` is no TIFF or its directory cannot be read.
  static std::optional<TiffDirectory> read(const ByteSource& bytes);
  /// The same of a block in memory; "Exif\0\0" in front is skipped.
  static std::optional<TiffDirectory> read(std::string_view block);

  bool has(uint16_t tag) const { return fields_.count(tag) > 0; }
  /// First value of an integer or rational field.
  std::optional<double> number(uint16_t tag) const;
  /// Value of a text field without its closing zero, at most 64 bytes of it.
  std::string text(uint16_t tag) const;

 private:
  struct Field {
    uint16_t type = 0;
    uint64_t count = 0;
    std::string data;  // as it lies in the file, at most 64 bytes
  };
  uint64_t number_at(const std::string& data, size_t at, size_t size) const;

  bool little_ = true;
  std::map<uint16_t, Field> fields_;
};

/// Takes the fields `tags` out of the first directory of the classic TIFF file or EXIF block that begins at `begin` of
/// `bytes`. The size stays as it is. Does nothing where there is no such directory.
void remove_tiff_fields(std::string& bytes, size_t begin, std::initializer_list<uint16_t> tags);

/// Cuts off what follows the first directory of that file or block: in EXIF, the thumbnail.
void remove_later_tiff_directories(std::string& bytes, size_t begin);

}  // namespace zsr
