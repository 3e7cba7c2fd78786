#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zsr::raw {

/// One directory of a TIFF file that is being written (TIFF 6.0, little-endian). Tags are sorted as the format asks.
class TiffFields {
 public:
  void bytes(uint16_t tag, const std::vector<uint8_t>& values);
  void text(uint16_t tag, const std::string& value);  ///< Left out where it is empty.
  void shorts(uint16_t tag, const std::vector<uint16_t>& values);
  void longs(uint16_t tag, const std::vector<uint32_t>& values);
  /// Unsigned fractions; values are >= 0 and below 4e9.
  void rationals(uint16_t tag, const std::vector<double>& values);
  void signed_rationals(uint16_t tag, const std::vector<double>& values);
  void doubles(uint16_t tag, const std::vector<double>& values);
  /// Raw bytes of type UNDEFINED.
  void undefined(uint16_t tag, std::string_view value);

  /// Bytes that the directory takes, with the values that lie outside of it.
  size_t size() const;
  /// The directory as it stands at `offset` of the file.
  std::string at(uint32_t offset) const;

 private:
  struct Field {
    uint16_t type;
    uint32_t count;
    std::string value;
  };
  void add(uint16_t tag, uint16_t type, size_t count, std::string value);
  std::map<uint16_t, Field> fields_;
};

/// The eight bytes at the begin of a file whose first directory stands right behind them.
std::string tiff_head();

}  // namespace zsr::raw
