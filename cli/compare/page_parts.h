#pragma once

#include <string>

namespace zsr::cli {

/// For text between HTML tags and inside quoted attributes.
std::string escaped(const std::string& text);

/// A name for files: what is no letter, digit, dash or underscore becomes a dash; at most 60 letters. What had to be
/// changed ends in six letters that tell it from others that would be changed into the same.
std::string file_name_of(const std::string& text);

/// Bytes as text (RFC 4648), for pictures inside a page.
std::string base64(const std::string& bytes);

}  // namespace zsr::cli
