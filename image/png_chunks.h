#pragma once

// Only for the files of this folder that read and write PNG chunks.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace zsr {

constexpr size_t kPngSignature = 8;  ///< Bytes before the first chunk.

/// One chunk of a PNG file in memory.
struct PngChunk {
  std::string_view type;
  std::string_view data;
  std::string_view whole;  ///< Length, type, data and checksum.
};

/// The big-endian number of `size` bytes at `at`, as far as `bytes` go.
inline uint32_t big_endian_number(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = at; i < std::min(at + size, bytes.size()); ++i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

/// The chunks that lie one after the other in `bytes`, as far as they are whole.
inline std::vector<PngChunk> png_chunks_in(std::string_view bytes) {
  constexpr size_t kFrame = 12;  // length, type and checksum
  std::vector<PngChunk> chunks;
  for (size_t at = 0; at + kFrame <= bytes.size();) {
    const size_t size = big_endian_number(bytes, at, 4);
    if (size > bytes.size() - at - kFrame) break;
    chunks.push_back({bytes.substr(at + 4, 4), bytes.substr(at + 8, size), bytes.substr(at, size + kFrame)});
    at += size + kFrame;
  }
  return chunks;
}

}  // namespace zsr
