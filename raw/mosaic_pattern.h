#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace zsr::raw {

/// Which colour each pixel of a sensor measures: a tile of `side` x `side` colours that repeats over the sensor.
/// Colours are 0 red, 1 green, 2 blue.
class MosaicPattern {
 public:
  /// A Bayer mosaic by its first two rows: "RGGB", "BGGR", "GRBG" or "GBRG". Throws OptionError for others.
  static MosaicPattern bayer(const std::string& name);
  /// Fujifilm's X-Trans mosaic of 6 x 6 pixels, in the phase of most of its cameras.
  static MosaicPattern xtrans();
  /// From `side` * `side` colours, row by row. Throws OptionError unless `side` is 2 or 6, every row and column of a
  /// tile has green, and red and blue are there.
  static MosaicPattern from_colors(int side, const std::array<uint8_t, 36>& colors);

  int side() const { return side_; }
  bool is_bayer() const { return side_ == 2; }
  /// Colour at row y, column x; any whole numbers.
  int color(int64_t y, int64_t x) const {
    const int64_t row = ((y % side_) + side_) % side_;
    const int64_t column = ((x % side_) + side_) % side_;
    return colors_[static_cast<size_t>(row * side_ + column)];
  }
  /// The pattern of what is left when the first `y` rows and `x` columns are cut off.
  MosaicPattern shifted(int64_t y, int64_t x) const;
  /// "RGGB", ... for Bayer, "X-Trans" for 6 x 6.
  std::string name() const;

  bool operator==(const MosaicPattern&) const = default;

 private:
  int side_ = 2;
  std::array<uint8_t, 36> colors_{};
};

}  // namespace zsr::raw
