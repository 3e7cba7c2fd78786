#pragma once

// Only for the files of this folder.

#include "image/png_chunks.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace zsr {

/// A marker segment in front of the pixels of a JPEG file.
struct JpegSegment {
  unsigned marker = 0;    ///< 0xE1 for APP1, ...
  size_t at = 0;          ///< Of its first byte, 0xFF, in the file.
  std::string_view data;  ///< Behind its length.

  size_t end() const { return at + 4 + data.size(); }
  bool is(unsigned wanted, std::string_view name) const { return marker == wanted && data.starts_with(name); }
};

/// The segments of a JPEG file that begins at the start of `jpeg`, up to its first scan, as far as they are whole.
/// Empty where it is none.
inline std::vector<JpegSegment> jpeg_segments(std::string_view jpeg) {
  constexpr unsigned kScan = 0xDA;
  constexpr size_t kMost = 2000;
  std::vector<JpegSegment> segments;
  if (!jpeg.starts_with("\xFF\xD8\xFF")) return segments;
  for (size_t at = 2; at + 4 <= jpeg.size() && segments.size() < kMost;) {
    const uint32_t marker = big_endian_number(jpeg, at, 2);
    const size_t length = big_endian_number(jpeg, at + 2, 2);
    if (marker == 0xFFFFU) {  // a byte that only fills
      ++at;
      continue;
    }
    if (marker >> 8U != 0xFFU || (marker & 0xFFU) == kScan || length < 2 || length > jpeg.size() - at - 2) break;
    segments.push_back({marker & 0xFFU, at, jpeg.substr(at + 4, length - 2)});
    at += 2 + length;
  }
  return segments;
}

}  // namespace zsr
