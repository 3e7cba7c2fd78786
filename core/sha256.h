#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace zsr {

/// SHA-256 of `bytes` in 64 hexadecimal digits, what `sha256sum` prints.
std::string sha256(std::string_view bytes);

/// The same of a file's content, read in pieces. Throws IoError.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace zsr
