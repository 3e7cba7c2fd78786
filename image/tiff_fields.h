#pragma once

// Only for the files of this folder that read and write TIFF.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace zsr {

/// One field of a TIFF directory.
struct TiffField {
  uint16_t type = 0;
  uint32_t count = 0;
  std::string data;  ///< Little-endian.
};
using TiffFields = std::map<uint16_t, TiffField>;

/// Whole directories of a classic TIFF file or EXIF block in memory, of either byte order.
class TiffReader {
 public:
  /// `bytes` must stay.
  explicit TiffReader(std::string_view bytes);

  bool valid() const { return valid_; }
  /// The number of `size` (at most 4) bytes at `at`; nothing behind the end.
  std::optional<uint32_t> number(size_t at, size_t size) const;
  /// The directory at `at`; empty when it is broken.
  TiffFields directory(size_t at) const;
  /// Its first directory.
  TiffFields first() const { return directory(number(4, 4).value_or(0)); }

 private:
  std::string little_endian(size_t at, size_t size, uint16_t type) const;

  std::string_view bytes_;
  bool little_ = false;
  bool valid_ = false;
};

constexpr uint16_t kTiffLong = 4;
TiffField tiff_number_field(uint16_t type, uint32_t value);
/// The offset that the field `tag` of one 32-bit number holds.
std::optional<uint32_t> tiff_offset(const TiffFields& fields, uint16_t tag);

/// `value` in little-endian order at the end of `out`, in `size` bytes.
void append_little(std::string& out, uint32_t value, size_t size);
/// Writes `value` over the four bytes at `at`.
void set_little32(std::string& bytes, size_t at, uint32_t value);
/// Appends the directory to `out`, whose size is a file offset, and returns where it begins. It is the last one.
uint32_t append_tiff_directory(std::string& out, const TiffFields& directory);
/// Where the directory at `begin` with `fields` says which one follows it.
size_t place_of_next_directory(size_t begin, size_t fields);

/// The descriptive fields, the EXIF and the GPS directory of a TIFF file or an EXIF block.
struct TiffExif {
  TiffFields main;
  TiffFields exif;
  TiffFields gps;
  bool empty() const { return main.empty() && exif.empty() && gps.empty(); }
};
TiffExif read_tiff_exif(std::string_view bytes);
/// Appends the EXIF and the GPS directory to `out` and points `main` at them.
void append_tiff_exif(std::string& out, const TiffExif& parts, TiffFields& main);

}  // namespace zsr
