#include "image/decoder_messages.h"

#include <algorithm>
#include <array>

namespace zsr {
namespace {

// Warnings of libjpeg's jerror.h after which pixels are missing or invented.
constexpr std::array<std::string_view, 7> kDamage = {
    "premature end of data segment",  // an entropy-coded segment ends before its pixels
    "Premature end",                  // of the file
    "bad Huffman code",
    "bad arithmetic code",
    "Inconsistent progression",
    "instead of RST",
    "nsupported marker",
};

bool is_before_restart_marker(std::string_view message) {
  constexpr std::string_view kBefore = "extraneous bytes before marker 0xd";
  const size_t at = message.find(kBefore);
  if (at == std::string_view::npos || at + kBefore.size() >= message.size()) return false;
  const char last = message[at + kBefore.size()];
  return last >= '0' && last <= '7';
}

}  // namespace

DecoderFindings sort_jpeg_messages(std::string_view text) {
  constexpr std::string_view kFrom = "VipsJpeg: ";
  DecoderFindings findings;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.substr(0, kFrom.size()) != kFrom) continue;
    line.remove_prefix(kFrom.size());
    const std::string message(line);
    const bool damaged = is_before_restart_marker(line) || std::any_of(kDamage.begin(), kDamage.end(), [&](auto word) {
                           return line.find(word) != std::string_view::npos;
                         });
    if (damaged) {
      if (findings.damage.empty()) findings.damage = message;
    } else if (std::find(findings.oddities.begin(), findings.oddities.end(), message) == findings.oddities.end()) {
      findings.oddities.push_back(message);
    }
  }
  return findings;
}

}  // namespace zsr
