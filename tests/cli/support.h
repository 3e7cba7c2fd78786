#pragma once

#include "image/photo.h"
#include "tests/support/program.h"

#include <string>
#include <vector>

namespace zsr::test {

/// Path of an example photo.
inline std::string example(const std::string& name) {
  return std::string(ZSR_EXAMPLES) + "/" + name;
}

/// Flags that make a ZSSR run a matter of a fraction of a second.
inline std::vector<std::string> quick(std::vector<std::string> arguments) {
  for (const char* flag :
       {"--steps", "3", "--channels", "16", "--depth", "3", "--training-crop", "32", "--ensemble", "off"}) {
    arguments.emplace_back(flag);
  }
  return arguments;
}

/// Flags that make an enlargement by 2 a matter of milliseconds.
inline std::vector<std::string> by_bicubic(std::vector<std::string> arguments) {
  for (const char* const word : {"-s", "2", "-m", "bicubic", "-j", "1"}) arguments.emplace_back(word);
  return arguments;
}

/// Writes a small photo of the given kind.
inline void make_photo(const std::filesystem::path& path, int64_t channels, int64_t height, int64_t width,
                       bool alpha = false, int bit_depth = 8) {
  Photo photo;
  photo.color = torch::rand({1, channels, height, width});
  if (alpha) photo.alpha = torch::rand({1, 1, height, width});
  photo.bit_depth = bit_depth;
  save_photo(photo, path, {.format = format_from_name(path)});
}

}  // namespace zsr::test
