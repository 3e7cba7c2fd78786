#include "raw/mosaic_pattern.h"

#include "core/error.h"

#include <fmt/format.h>

#include <string_view>

namespace zsr::raw {
namespace {

constexpr std::string_view kLetters = "RGB";

}  // namespace

MosaicPattern MosaicPattern::bayer(const std::string& name) {
  for (const char* known : {"RGGB", "BGGR", "GRBG", "GBRG"}) {
    if (name != known) continue;
    MosaicPattern pattern;
    for (size_t i = 0; i < 4; ++i) pattern.colors_[i] = static_cast<uint8_t>(kLetters.find(name[i]));
    return pattern;
  }
  throw OptionError(fmt::format("mosaic '{}' is not one of RGGB, BGGR, GRBG, GBRG", name));
}

MosaicPattern MosaicPattern::xtrans() {
  // As LibRaw and the manufacturer's files give it: GGRGGB, GGBGGR, BRGRBG and the same with red and blue exchanged.
  constexpr std::string_view kTile = "GGRGGBGGBGGRBRGRBGGGBGGRGGRGGBRBGBRG";
  std::array<uint8_t, 36> colors{};
  for (size_t i = 0; i < colors.size(); ++i) colors[i] = static_cast<uint8_t>(kLetters.find(kTile[i]));
  return from_colors(6, colors);
}

MosaicPattern MosaicPattern::from_colors(int side, const std::array<uint8_t, 36>& colors) {
  if (side != 2 && side != 6) throw OptionError(fmt::format("a mosaic of {0}x{0} pixels is not known", side));
  MosaicPattern pattern;
  pattern.side_ = side;
  std::array<int, 3> count{};
  bool even = true;
  for (int y = 0; y < side; ++y) {
    bool row = false;
    bool column = false;
    for (int x = 0; x < side; ++x) {
      const uint8_t color = colors[static_cast<size_t>(y * side + x)];
      if (color > 2) throw OptionError("a mosaic of other colours than red, green and blue is not known");
      ++count[color];
      pattern.colors_[static_cast<size_t>(y * side + x)] = color;
      row = row || color == 1;
      column = column || colors[static_cast<size_t>(x * side + y)] == 1;
    }
    even = even && row && column;
  }
  const bool whole = side == 2 ? count[0] == 1 && count[2] == 1 : count[0] >= 6 && count[2] >= 6;
  if (!even || !whole) throw OptionError("its mosaic is neither a Bayer nor an X-Trans pattern");
  return pattern;
}

MosaicPattern MosaicPattern::shifted(int64_t y, int64_t x) const {
  MosaicPattern result = *this;
  for (int row = 0; row < side_; ++row) {
    for (int column = 0; column < side_; ++column) {
      result.colors_[static_cast<size_t>(row * side_ + column)] = static_cast<uint8_t>(color(y + row, x + column));
    }
  }
  return result;
}

std::string MosaicPattern::name() const {
  if (side_ == 6) return "X-Trans";
  std::string text;
  for (size_t i = 0; i < 4; ++i) text += kLetters[colors_[i]];
  return text;
}

}  // namespace zsr::raw
