#include "cli/compare/page_parts.h"

#include "core/sha256.h"

namespace zsr::cli {

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string file_name_of(const std::string& text) {
  constexpr size_t kLongest = 60;
  std::string name = text.substr(0, kLongest);
  for (char& c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain) c = '-';
  }
  if (name == text) return name;
  constexpr size_t kLetters = 6;
  return name + "-" + sha256(text).substr(0, kLetters);
}

}  // namespace zsr::cli
