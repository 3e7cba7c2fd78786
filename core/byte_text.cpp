#include "core/byte_text.h"

#include <cstdint>

namespace zsr {
namespace {

constexpr uint32_t kFirstReserved = 0xEF80;
constexpr uint32_t kLastReserved = 0xEFFF;
constexpr uint32_t kReservedOffset = 0xEF00;  // of byte b: 0xEF00 + b

// Length of the valid UTF-8 sequence at the start of `bytes`, 0 where there is none; its code point in `code`.
size_t sequence_at(std::string_view bytes, uint32_t& code) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    code = first;
    return 1;
  }
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() < length) return 0;
  code = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
    code = code << 6U | (byte(i) & 0x3FU);
  }
  // Longer than need be, halves of surrogate pairs, beyond Unicode.
  const bool valid = (length == 2 || (length == 3 && code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) ||
                      (length == 4 && code >= 0x10000 && code <= 0x10FFFF));
  return valid ? length : 0;
}

}  // namespace

std::string text_of_bytes(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    uint32_t code = 0;
    size_t length = sequence_at(bytes, code);
    if (length > 0 && (code < kFirstReserved || code > kLastReserved)) {
      text += bytes.substr(0, length);
    } else {
      const uint32_t reserved = kReservedOffset + static_cast<unsigned char>(bytes[0]);
      text += static_cast<char>(0xE0U | reserved >> 12U);
      text += static_cast<char>(0x80U | (reserved >> 6U & 0x3FU));
      text += static_cast<char>(0x80U | (reserved & 0x3FU));
      length = 1;
    }
    bytes.remove_prefix(length);
  }
  return text;
}

std::string bytes_of_text(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    uint32_t code = 0;
    const size_t length = sequence_at(text, code);
    if (length == 3 && code >= kFirstReserved && code <= kLastReserved) {
      bytes += static_cast<char>(code - kReservedOffset);
    } else {
      bytes += text.substr(0, length == 0 ? 1 : length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return bytes;
}

}  // namespace zsr
