#pragma once

#include "core/files.h"
#include "raw/mosaic_pattern.h"
#include "raw/noise_model.h"
#include "raw/planes.h"

#include <array>
#include <filesystem>
#include <optional>
#include <string>

namespace zsr::raw {

using Matrix = std::array<std::array<double, 3>, 3>;

/// What a photo's camera wrote beside its pixels; what is empty or 0 is not known.
struct ShotData {
  std::string make, model, lens, artist, description;
  std::string time;  ///< "YYYY:MM:DD hh:mm:ss", as EXIF has it.
  double exposure_s = 0.0, aperture = 0.0, focal_length_mm = 0.0, iso = 0.0;
};

/// An EXIF block of those fields: a TIFF file, without the "Exif" of JPEG in front.
std::string exif_of(const ShotData& shot);

/// What a mosaic's DNG says.
struct DngOptions {
  MosaicPattern pattern = MosaicPattern::bayer("RGGB");
  int black = 0;      ///< Level of 0, 0 to 65534.
  int white = 65535;  ///< Level of 1, above `black`.
  /// Multipliers that make gray of the mosaic's red, green and blue; each >= 1.
  std::array<double, 3> white_balance{1.0, 1.0, 1.0};
  /// XYZ of a D65 white -> camera colours (before white balance). Default: linear sRGB's.
  std::optional<Matrix> xyz_to_camera;
  std::optional<NoiseModel> noise;  ///< As DNG's NoiseProfile.
  int orientation = 1;              ///< As EXIF counts, 1 to 8.
  ShotData shot;
};

/// `values` (0 black, 1 white; clipped to the levels that 16 bits have) as the bytes of an uncompressed DNG 1.4 file
/// with one picture (Adobe's DNG specification 1.4). Throws OptionError for levels, multipliers, sizes (over 4 GB) and
/// an orientation that cannot be.
std::string dng_bytes(const Plane& values, const DngOptions& options);

/// The same as a file, through an AtomicFile. Throws IoError too.
void write_dng(const std::filesystem::path& path, const Plane& values, const DngOptions& options, Overwrite overwrite);

}  // namespace zsr::raw
