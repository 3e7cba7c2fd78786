#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

namespace zsr {

/// The number of type T (little-endian) at `position` of `bytes`; empty when it would end beyond them.
template <class T>
std::optional<T> number_at(std::string_view bytes, uint64_t position) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (position > bytes.size() || bytes.size() - position < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof value);
  return value;
}

/// `count` bytes from `position` on; empty when they would end beyond `bytes`.
inline std::optional<std::string_view> bytes_at(std::string_view bytes, uint64_t position, uint64_t count) {
  if (position > bytes.size() || bytes.size() - position < count) return std::nullopt;
  return bytes.substr(position, count);
}

}  // namespace zsr
