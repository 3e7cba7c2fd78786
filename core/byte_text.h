#pragma once

#include <string>
#include <string_view>

namespace zsr {

/// Note [Bytes as text]
/// A file name on Linux is any bytes; JSON holds only UTF-8. Bytes that are no part of valid UTF-8 stand in zsr's JSON
/// as characters of the private use area: byte 0x80 + n as U+EF80 + n (the OPTU-8 convention of MirBSD). Such
/// characters themselves are written byte by byte in the same way, so that reading gives the same bytes for any name.

/// Valid UTF-8 that stands for `bytes`; `bytes` itself where it is valid and has none of the reserved characters.
std::string text_of_bytes(std::string_view bytes);

/// The bytes that `text` stands for: the inverse of `text_of_bytes`.
std::string bytes_of_text(std::string_view text);

}  // namespace zsr
