#include "raw/dng.h"

#include "core/error.h"
#include "raw/tiff_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace zsr::raw {
namespace {

// Tags of TIFF 6.0, TIFF/EP, EXIF 2.3 and DNG 1.4.
enum Tag : uint16_t {
  kNewSubfileType = 254,
  kWidth = 256,
  kHeight = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kDescription = 270,
  kMake = 271,
  kModel = 272,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamplesPerPixel = 277,
  kRowsPerStrip = 278,
  kStripBytes = 279,
  kPlanarConfiguration = 284,
  kDateTime = 306,
  kArtist = 315,
  kExposureTime = 33434,
  kFNumber = 33437,
  kCfaRepeat = 33421,
  kCfaPattern = 33422,
  kExifDirectory = 34665,
  kIso = 34855,
  kExifVersion = 36864,
  kDateTimeOriginal = 36867,
  kFocalLength = 37386,
  kLensModel = 42036,
  kDngVersion = 50706,
  kDngBackwardVersion = 50707,
  kUniqueCameraModel = 50708,
  kBlackLevel = 50714,
  kWhiteLevel = 50717,
  kColorMatrix1 = 50721,
  kAsShotNeutral = 50728,
  kIlluminant1 = 50778,
  kNoiseProfile = 51041,
};

// Linear sRGB of XYZ (IEC 61966-2-1).
constexpr Matrix kXyzToSrgb = {
    {{3.2404542, -1.5371385, -0.4985314}, {-0.9692660, 1.8760108, 0.0415560}, {0.0556434, -0.2040259, 1.0572252}}};

void add_main_fields(TiffFields& fields, const ShotData& shot, int orientation) {
  fields.text(kDescription, shot.description);
  fields.text(kMake, shot.make);
  fields.text(kModel, shot.model);
  fields.shorts(kOrientation, {static_cast<uint16_t>(orientation)});
  fields.text(kDateTime, shot.time);
  fields.text(kArtist, shot.artist);
}

TiffFields exif_fields(const ShotData& shot) {
  TiffFields fields;
  fields.undefined(kExifVersion, "0230");
  if (shot.exposure_s > 0.0) fields.rationals(kExposureTime, {shot.exposure_s});
  if (shot.aperture > 0.0) fields.rationals(kFNumber, {shot.aperture});
  if (shot.iso > 0.0 && shot.iso < 65536.0) fields.shorts(kIso, {static_cast<uint16_t>(shot.iso)});
  if (shot.focal_length_mm > 0.0) fields.rationals(kFocalLength, {shot.focal_length_mm});
  fields.text(kDateTimeOriginal, shot.time);
  fields.text(kLensModel, shot.lens);
  return fields;
}

// Throws OptionError.
void check(const Plane& values, const DngOptions& options) {
  if (options.black < 0 || options.white > 65535 || options.black >= options.white) {
    throw OptionError(fmt::format("a DNG with black {} and white {} cannot be; they must rise and fit 16 bits",
                                  options.black, options.white));
  }
  for (const double gain : options.white_balance) {
    if (!(gain >= 1.0) || gain > 64.0) {
      throw OptionError(fmt::format("a white balance of {:g} cannot be; multipliers are 1 to 64", gain));
    }
  }
  if (options.orientation < 1 || options.orientation > 8) {
    throw OptionError(fmt::format("orientation {} must be 1 to 8", options.orientation));
  }
  if (values.height < 1 || values.width < 1 || values.height * values.width > 2'000'000'000) {
    throw OptionError(fmt::format("a DNG of {}x{} pixels cannot be", values.width, values.height));
  }
}

TiffFields picture_fields(const Plane& values, const DngOptions& options) {
  TiffFields fields;
  add_main_fields(fields, options.shot, options.orientation);
  fields.longs(kNewSubfileType, {0});
  fields.longs(kWidth, {static_cast<uint32_t>(values.width)});
  fields.longs(kHeight, {static_cast<uint32_t>(values.height)});
  fields.shorts(kBitsPerSample, {16});
  fields.shorts(kCompression, {1});
  fields.shorts(kPhotometric, {32803});  // a mosaic
  fields.longs(kStripOffsets, {0});
  fields.shorts(kSamplesPerPixel, {1});
  fields.longs(kRowsPerStrip, {static_cast<uint32_t>(values.height)});
  fields.longs(kStripBytes, {static_cast<uint32_t>(2 * values.height * values.width)});
  fields.shorts(kPlanarConfiguration, {1});
  const auto side = static_cast<uint16_t>(options.pattern.side());
  fields.shorts(kCfaRepeat, {side, side});
  std::vector<uint8_t> colors;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) colors.push_back(static_cast<uint8_t>(options.pattern.color(y, x)));
  }
  fields.bytes(kCfaPattern, colors);
  fields.bytes(kDngVersion, {1, 4, 0, 0});
  fields.bytes(kDngBackwardVersion, {1, 3, 0, 0});
  fields.text(kUniqueCameraModel, options.shot.model.empty() ? "zsr mosaic" : options.shot.model);
  fields.longs(kBlackLevel, {static_cast<uint32_t>(options.black)});
  fields.longs(kWhiteLevel, {static_cast<uint32_t>(options.white)});
  const Matrix& matrix = options.xyz_to_camera ? *options.xyz_to_camera : kXyzToSrgb;
  const auto& gains = options.white_balance;
  std::vector<double> flat;
  for (size_t c = 0; c < 3; ++c) {
    // The camera's own colours are those behind the white balance, divided by it.
    for (const double value : matrix[c]) flat.push_back(options.xyz_to_camera ? value : value / gains[c]);
  }
  fields.signed_rationals(kColorMatrix1, flat);
  fields.rationals(kAsShotNeutral, {1.0 / gains[0], 1.0 / gains[1], 1.0 / gains[2]});
  fields.shorts(kIlluminant1, {21});  // D65
  if (options.noise) fields.doubles(kNoiseProfile, {options.noise->gain, options.noise->read * options.noise->read});
  return fields;
}

}  // namespace

std::string exif_of(const ShotData& shot) {
  TiffFields main;
  add_main_fields(main, shot, 1);
  main.longs(kExifDirectory, {0});
  const auto place = static_cast<uint32_t>(8 + main.size());
  main.longs(kExifDirectory, {place});
  return tiff_head() + main.at(8) + exif_fields(shot).at(place);
}

std::string dng_bytes(const Plane& values, const DngOptions& options) {
  check(values, options);
  TiffFields fields = picture_fields(values, options);
  const TiffFields exif = exif_fields(options.shot);
  fields.longs(kExifDirectory, {0});
  const auto exif_place = static_cast<uint32_t>(8 + fields.size());
  const auto data_place = static_cast<uint32_t>(exif_place + exif.size());
  fields.longs(kExifDirectory, {exif_place});
  fields.longs(kStripOffsets, {data_place});
  std::string file = tiff_head() + fields.at(8) + exif.at(exif_place);
  file.reserve(file.size() + 2 * values.values.size());
  const auto range = static_cast<float>(options.white - options.black);
  for (const float value : values.values) {
    const float level = std::clamp(value * range + static_cast<float>(options.black), 0.0F, 65535.0F);
    const auto sample = static_cast<uint16_t>(std::lround(level));
    file += static_cast<char>(sample & 0xFF);
    file += static_cast<char>(sample >> 8);
  }
  return file;
}

void write_dng(const std::filesystem::path& path, const Plane& values, const DngOptions& options, Overwrite overwrite) {
  write_file_atomically(path, dng_bytes(values, options), overwrite);
}

}  // namespace zsr::raw
