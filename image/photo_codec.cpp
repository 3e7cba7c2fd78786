#include "image/photo_codec.h"

#include "core/error.h"
#include "core/files.h"
#include "image/apng.h"
#include "image/color_profile.h"
#include "image/damaged_photo.h"
#include "image/decoder_messages.h"
#include "image/exr_file.h"
#include "image/gain_map.h"
#include "image/hdr_signal.h"
#include "image/heif_read.h"
#include "image/metadata_table.h"
#include "image/opencv_codec.h"
#include "image/optional_formats.h"
#include "image/photo_file.h"
#include "image/photo_metadata.h"
#include "image/png_color.h"
#include "image/resolution.h"
#include "image/tiff_exif.h"
#include "image/vips_image.h"

#include <fmt/format.h>
#include <vips/vips.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <unistd.h>

namespace zsr {
namespace {

// How a file is read.
enum class Reading {
  kStrict,       // refuses what the decoder calls an error
  kLenient,      // takes what the decoder makes of it
  kRowAfterRow,  // likewise, pixels from top to bottom
};

bool is_heif_file(ImageFormat format) {
  return format == ImageFormat::kHeif || format == ImageFormat::kAvif;
}

// The sequence that libvips tells of.
Sequence sequence_of(VipsImage* image) {
  Sequence sequence;
  sequence.pages = std::max(1, vips_image_get_n_pages(image));
  int* delays = nullptr;
  int count = 0;
  if (sequence.pages > 1 && vips_image_get_typeof(image, "delay") != 0 &&
      vips_image_get_array_int(image, "delay", &delays, &count) == 0) {
    sequence.delays_ms.assign(delays, delays + count);
    sequence.delays_ms.resize(static_cast<size_t>(sequence.pages), count > 0 ? delays[count - 1] : 0);
  }
  if (vips_image_get_typeof(image, "loop") != 0) vips_image_get_int(image, "loop", &sequence.loops);
  return sequence;
}

ImagePtr open_with_vips(const std::filesystem::path& path, ImageFormat format, Reading reading = Reading::kStrict,
                        int64_t page = 0) {
  start_vips();
  // A source, not a file name: libvips would read "[...]" in a name as options.
  const std::unique_ptr<VipsSource, VipsDeleter> source(vips_source_new_from_file(readable_path(path).c_str()));
  if (!source) throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), take_vips_error()));
  // "error" refuses truncated and corrupt data and lets pass what decoders only warn of. libjpeg's warnings are sorted
  // after decoding; the GIF decoder warns of nothing but frames that are broken.
  VipsFailOn fail_on = format == ImageFormat::kGif ? VIPS_FAIL_ON_WARNING : VIPS_FAIL_ON_ERROR;
  if (reading != Reading::kStrict) fail_on = VIPS_FAIL_ON_NONE;
  const VipsAccess access = reading == Reading::kRowAfterRow ? VIPS_ACCESS_SEQUENTIAL : VIPS_ACCESS_RANDOM;
  // Not every loader has the option.
  const std::string options = page > 0 ? fmt::format("[page={}]", page) : "";
  ImagePtr image(
      vips_image_new_from_source(source.get(), options.c_str(), "fail_on", fail_on, "access", access, nullptr));
  if (!image) {
    throw DamagedPhoto(
        fmt::format("photo '{}' is damaged or of an unsupported kind: {}", path.string(), take_vips_error()));
  }
  if (is_heif_file(format)) return with_heif_xmp(std::move(image));
  return format == ImageFormat::kTiff ? with_tiff_exif(std::move(image), readable_path(path)) : std::move(image);
}

PhotoHeader header_of(VipsImage* image, ImageFormat format, const std::filesystem::path& path) {
  PhotoHeader header;
  header.format = format;
  header.width = vips_image_get_width(image);
  header.height = vips_image_get_height(image);
  header.cmyk = is_cmyk(image);
  header.bands = vips_image_get_bands(image) - (header.cmyk ? 1 : 0);
  const VipsBandFormat samples = vips_image_get_format(image);
  const bool floating = samples == VIPS_FORMAT_FLOAT && format == ImageFormat::kTiff;
  if (samples != VIPS_FORMAT_UCHAR && samples != VIPS_FORMAT_USHORT && !floating) {
    throw InputError(
        fmt::format("photo '{}' has {} samples; zsr reads 8 and 16 bit integers, and 32 bit floats of "
                    "TIFF; convert it first",
                    path.string(), vips_enum_nick(VIPS_TYPE_BAND_FORMAT, samples)));
  }
  header.bit_depth = floating ? 32 : samples == VIPS_FORMAT_USHORT ? 16 : 8;
  switch (vips_image_get_interpretation(image)) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_MULTIBAND:
    case VIPS_INTERPRETATION_CMYK:
      break;
    case VIPS_INTERPRETATION_scRGB:
      if (floating) break;
      [[fallthrough]];
    default:
      throw InputError(fmt::format("photo '{}' is in {} colour; zsr works in gray and RGB, convert it first",
                                   path.string(),
                                   vips_enum_nick(VIPS_TYPE_INTERPRETATION, vips_image_get_interpretation(image))));
  }
  if (header.bands < 1 || header.bands > 4) {
    throw InputError(fmt::format("photo '{}' has {} channels; zsr reads gray and RGB, with or without alpha",
                                 path.string(), header.bands));
  }
  header.orientation = vips_image_get_orientation(image);
  if (vips_image_get_orientation_swap(image) != 0) std::swap(header.width, header.height);
  header.sequence = sequence_of(image);
  if (format == ImageFormat::kPng) header.sequence = apng_sequence(path).value_or(Sequence());
  const std::string_view exif = vips_blob(image, VIPS_META_EXIF_NAME);
  header.resolution = read_resolution(readable_path(path), format, exif);
  header.exif_bytes = exif.size();
  header.xmp_bytes = vips_blob(image, VIPS_META_XMP_NAME).size();
  header.iptc_bytes = vips_blob(image, VIPS_META_IPTC_NAME).size();
  // A CMYK profile is used up when the photo is read.
  header.icc_bytes = header.cmyk ? 0 : vips_blob(image, VIPS_META_ICC_NAME).size();
  if (!header.cmyk) find_hdr(path, vips_blob(image, VIPS_META_ICC_NAME), header);
  return header;
}

// Rows from the top until the decoder gives up; what is missing is mid-gray. Throws InputError when there are none.
ImagePtr rows_that_decode(VipsImage* image, const std::filesystem::path& path) {
  const std::unique_ptr<VipsRegion, VipsDeleter> region(vips_region_new(image));
  const int width = vips_image_get_width(image);
  const int height = vips_image_get_height(image);
  const size_t row_bytes = VIPS_IMAGE_SIZEOF_LINE(image);
  constexpr uint8_t kGray = 128;
  std::vector<uint8_t> pixels(row_bytes * static_cast<size_t>(height), kGray);
  int rows = 0;
  for (; rows < height; ++rows) {
    const VipsRect row{0, rows, width, 1};
    if (vips_region_prepare(region.get(), &row) != 0) break;
    std::copy_n(VIPS_REGION_ADDR(region.get(), 0, rows), row_bytes,
                pixels.begin() + static_cast<std::ptrdiff_t>(row_bytes * static_cast<size_t>(rows)));
  }
  if (rows == 0) {
    throw DamagedPhoto(
        fmt::format("photo '{}' is damaged, no row of it can be decoded: {}", path.string(), take_vips_error()));
  }
  ImagePtr whole(vips_image_new_from_memory_copy(pixels.data(), pixels.size(), width, height,
                                                 vips_image_get_bands(image), vips_image_get_format(image)));
  if (whole && vips_image_get_typeof(image, VIPS_META_ORIENTATION) != 0) {
    vips_image_set_int(whole.get(), VIPS_META_ORIENTATION, vips_image_get_orientation(image));
  }
  return whole;
}

// Upright pixels. Throws InputError.
std::vector<uint8_t> upright_pixels(VipsImage* image, const std::filesystem::path& path) {
  VipsImage* upright = nullptr;
  if (image == nullptr || vips_autorot(image, &upright, nullptr) != 0) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged: {}", path.string(), take_vips_error()));
  }
  const ImagePtr owner(upright);
  size_t size = 0;
  void* memory = vips_image_write_to_memory(upright, &size);
  if (memory == nullptr) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged or cut off: {}", path.string(), take_vips_error()));
  }
  std::vector<uint8_t> bytes(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
  g_free(memory);
  return bytes;
}

void check_pixels(const PhotoHeader& header, const ReadLimits& limits, const std::filesystem::path& path) {
  if (header.width <= limits.max_pixels / std::max<int64_t>(1, header.height)) return;
  throw InputError(
      fmt::format("photo '{}' is {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise --max-pixels "
                  "if you trust it",
                  path.string(), header.width, header.height,
                  static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6,
                  static_cast<double>(limits.max_pixels) / 1e6));
}

// Of callers that take the values for sRGB.
void check_range(const PhotoHeader& header, const ReadLimits& limits, const std::filesystem::path& path) {
  if (!header.hdr || limits.hdr) return;
  throw InputError(
      fmt::format("photo '{}' is HDR ({}), whose values are not those of other photos; 'zsr upscale', 'zsr info' and "
                  "'zsr eval --metrics hdr' take it",
                  path.string(), describe(*header.hdr)));
}

// HDR values of HEIC and AVIF come from libheif itself: libvips would round them, and convert their colours by less
// exact formulas.
PixelBuffer heif_values(const std::filesystem::path& path, const ReadLimits& limits) {
  if (limits.page.value_or(0) > 0) {
    throw InputError(fmt::format("photo '{}' is HDR: only its first picture is read", path.string()));
  }
  const auto signal = heif_signal(path);
  if (!signal) throw DamagedPhoto(fmt::format("photo '{}' is damaged", path.string()));
  return decode_heif_values(path, *signal);
}

DecodedPhoto decode_exr_photo(const std::filesystem::path& path, const ReadLimits& limits) {
  DecodedPhoto photo;
  photo.header = read_exr_header(path);
  check_range(photo.header, limits, path);
  check_pixels(photo.header, limits, path);
  photo.pixels = decode_exr(path, photo.notes);
  photo.metadata = std::make_shared<PhotoMetadata>(nullptr, Resolution{});
  return photo;
}

DecodedPhoto decode_with_vips(const std::filesystem::path& path, ImageFormat format, const ReadLimits& limits,
                              Reading reading) {
  const auto lock = lock_vips_messages();
  take_vips_messages();
  DecodedPhoto photo;
  ImagePtr image = open_with_vips(path, format, reading, limits.page.value_or(0));
  photo.header = header_of(image.get(), format, path);
  const PhotoHeader& header = photo.header;
  check_range(header, limits, path);
  check_pixels(header, limits, path);
  const int depth = header.bit_depth == 32 ? 32 : header.bit_depth > 8 ? 16 : 8;
  photo.pixels = {header.width, header.height, header.bands, depth, {}};
  const ImagePtr converted = header.cmyk ? cmyk_to_srgb(image.get(), path) : nullptr;
  VipsImage* const colors = converted ? converted.get() : image.get();
  if (header.hdr && is_heif_file(format)) {
    photo.pixels = heif_values(path, limits);
  } else {
    photo.pixels.bytes = reading == Reading::kRowAfterRow ? upright_pixels(rows_that_decode(colors, path).get(), path)
                                                          : upright_pixels(colors, path);
  }
  if (header.cmyk) {
    const std::string_view profile = vips_blob(image.get(), VIPS_META_ICC_NAME);
    const bool embedded = profile.size() > 20 && profile.substr(16, 4) == "CMYK";
    photo.notes.push_back(fmt::format("'{}' is in CMYK colour; it was converted to sRGB through {}", path.string(),
                                      embedded ? "its own profile" : "libvips' default profile, for it has none"));
  }
  if (header.bit_depth == 32 && header.icc_bytes == 0) {
    photo.notes.push_back(fmt::format(
        "'{}' has floating-point samples and no colour profile; they are taken for linear light of BT.709, 1.0 = {:g} "
        "cd/m2",
        path.string(), kHdrWhite));
  }
  const DecoderFindings findings = sort_jpeg_messages(take_vips_messages());
  if (format == ImageFormat::kJpeg && reading == Reading::kStrict && !findings.damage.empty()) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged: {}", path.string(), findings.damage));
  }
  if (format == ImageFormat::kJpeg && !findings.oddities.empty()) {
    photo.notes.push_back(
        fmt::format("'{}' has a harmless oddity: {}", path.string(), fmt::join(findings.oddities, "; ")));
  }
  std::string chunks = format == ImageFormat::kPng ? kept_png_chunks(path, header.icc_bytes == 0) : std::string();
  photo.metadata = std::make_shared<PhotoMetadata>(std::move(image), header.resolution, std::move(chunks));
  return photo;
}

// A file that mentions a gain map which cannot be used is taken without, and that is said.
void take_gain_map(const std::filesystem::path& path, const ReadLimits& limits, DecodedPhoto& photo) {
  constexpr size_t kLargestFile = size_t{1} << 30U;
  if (std::filesystem::file_size(readable_path(path)) > kLargestFile) return;
  const std::string bytes = read_file(readable_path(path), kLargestFile);
  std::string problem;
  if (auto map = read_gain_map(bytes, photo.header.orientation, limits.max_pixels, problem)) {
    photo.gain_map = std::make_shared<const GainMap>(std::move(*map));
  } else if (!problem.empty()) {
    photo.notes.push_back(fmt::format("'{}': its HDR gain map is left out: {}", path.string(), problem));
  }
}

DecodedPhoto decode_bmp_photo(const std::filesystem::path& path, const ReadLimits& limits) {
  DecodedPhoto photo;
  photo.header = read_bmp_header(path);
  check_pixels(photo.header, limits, path);
  photo.pixels = decode_bmp(path);
  photo.header.bands = photo.pixels.bands;
  photo.metadata = std::make_shared<PhotoMetadata>(nullptr, photo.header.resolution);
  return photo;
}

// What can be decoded of a file that was refused with `refusal`.
DecodedPhoto decode_damaged(const std::filesystem::path& path, ImageFormat format, const ReadLimits& limits,
                            const InputError& refusal) {
  DecodedPhoto photo;
  try {
    photo = decode_with_vips(path, format, limits, Reading::kLenient);
  } catch (const InputError&) {
    photo = decode_with_vips(path, format, limits, Reading::kRowAfterRow);
  }
  photo.damage = refusal.what();
  photo.notes.push_back(fmt::format("{}; what can be decoded is used", photo.damage));
  return photo;
}

}  // namespace

std::string codec_version() {
  start_vips();
  return vips_version_string();
}

PhotoHeader read_photo_header(const std::filesystem::path& path) {
  const ImageFormat format = sniff_photo(path);
  if (format == ImageFormat::kBmp) return read_bmp_header(path);
  if (format == ImageFormat::kExr) return read_exr_header(path);
  const auto lock = lock_vips_messages();
  return header_of(open_with_vips(path, format).get(), format, path);
}

DecodedPhoto decode_photo(const std::filesystem::path& path, const ReadLimits& limits) {
  const ImageFormat format = sniff_photo(path);
  if (format == ImageFormat::kBmp) return decode_bmp_photo(path, limits);
  if (format == ImageFormat::kExr) return decode_exr_photo(path, limits);
  DecodedPhoto photo;
  try {
    photo = decode_with_vips(path, format, limits, Reading::kStrict);
  } catch (const InputError& refusal) {
    if (!limits.accept_damaged) throw;
    photo = decode_damaged(path, format, limits, refusal);
  }
  if (format == ImageFormat::kJpeg) take_gain_map(path, limits, photo);
  if (const Sequence& sequence = photo.header.sequence; sequence.pages > 1 && !limits.page) {
    photo.notes.push_back(fmt::format("'{}' has {} {}; only the first is used", path.string(), sequence.pages,
                                      sequence.animated() ? "frames" : "pages"));
  }
  return photo;
}

}  // namespace zsr
