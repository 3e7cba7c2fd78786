#pragma once

#include "raw/demosaic.h"
#include "raw/dng.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace zsr::raw {

/// What is read and what is refused.
struct RawLimits {
  int64_t max_pixels = 200'000'000;  ///< width * height of the sensor; checked before pixels are unpacked.
};

/// The mosaic of a camera raw file with what the file says about it.
struct RawPhoto {
  Plane values;  ///< Linear: black 0, saturation 1; noise may fall below 0. As the sensor lies, see `orientation`.
  MosaicPattern pattern;
  /// Multipliers of red, green and blue that make gray; the smallest is 1.
  std::array<double, 3> white_balance{1.0, 1.0, 1.0};
  Matrix camera_to_srgb{};  ///< White-balanced camera colours -> linear sRGB; rows sum to 1.
  int orientation = 1;      ///< As EXIF counts, 1, 3, 6 or 8.
  ShotData shot;
  std::vector<std::string> notes;  ///< One line each: what a careful person would want to know.
};

/// Width and height of a photo, upright.
struct UprightSize {
  int64_t width = 0;
  int64_t height = 0;
};

/// The size that `read_raw`'s photo has upright, from the header alone. Throws as `read_raw`.
UprightSize read_raw_size(const std::filesystem::path& path, const RawLimits& limits = {});

/// Reads a camera raw file with LibRaw. Throws IoError (missing, unreadable) and InputError with one line that names
/// the file and what is wrong: no raw file, cut short, several shots in one, a linear DNG (demosaiced already), another
/// mosaic than Bayer and X-Trans, levels that leave no range, over the limits.
RawPhoto read_raw(const std::filesystem::path& path, const RawLimits& limits = {});

/// The same from the bytes of a file; `name` is for messages.
RawPhoto read_raw_bytes(std::string_view bytes, const std::string& name, const RawLimits& limits = {});

/// LibRaw's own demosaicing of the file, Adaptive Homogeneity-Directed (Hirakawa and Parks, IEEE TIP 2005; X-Trans: its
/// three-pass method), with the same levels and white balance, as `demosaic` makes: the baseline. Throws as `read_raw`.
Rgb demosaic_ahd(const std::filesystem::path& path, const RawLimits& limits = {});

}  // namespace zsr::raw
