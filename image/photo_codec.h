#pragma once

#include "image/hdr_coding.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace zsr {

/// File formats of photos. kHeif is HEIC, which like AVIF, JPEG XL and GIF can be written where libvips has an encoder.
/// OpenEXR holds HDR photos only.
enum class ImageFormat { kPng, kJpeg, kTiff, kWebp, kPnm, kBmp, kGif, kHeif, kAvif, kJxl, kExr };

/// Whether values mean what a screen shows (sRGB and its like) or absolute light (Note [HDR values] in image/hdr.h).
enum class DynamicRange { kSdr, kHdr };

/// "png", "jpeg", ...
std::string to_string(ImageFormat format);
/// The format that the extension of `path` (or a bare name like "png") stands for. Throws OptionError for others.
ImageFormat format_from_name(const std::filesystem::path& path);
/// True for formats that `encode_photo` writes on this machine.
bool is_writable(ImageFormat format, DynamicRange range = DynamicRange::kSdr);
/// Why it does not write this one, and what to do, for messages.
std::string why_not_writable(ImageFormat format, DynamicRange range = DynamicRange::kSdr);
/// Bits per sample of an HDR file of a format that can be one: `wanted`, or for 0 what is usual, 10 in AVIF and HEIC
/// (12 where libheif has an encoder of those only, or the photo of coding `from` has 12), 16 in PNG and TIFF, and 32
/// (floats) in TIFF of linear light; in OpenEXR 16 (half floats), or 32 where `from` has them. Throws OptionError where
/// the format does not have them.
int hdr_bit_depth(ImageFormat format, int wanted, const HdrCoding& from = {});
/// Bits per sample the format can hold at most: 8 or 16.
int max_bit_depth(ImageFormat format);
/// Pixels per side that a file of the format can have at most.
int64_t max_side(ImageFormat format);
/// True when the format can hold an alpha channel.
bool holds_alpha(ImageFormat format);

/// What is read and what is refused. The limit protects against decompression bombs; it is checked on the header,
/// before pixels are allocated.
struct ReadLimits {
  int64_t max_pixels = 200'000'000;  ///< width * height; > 0.
  bool hdr = false;                  ///< Take HDR photos too. Else they are refused: their values are no sRGB.
  bool accept_damaged = false;       ///< Take what can be decoded of a damaged file instead of refusing it.
  /// Of a file with several pictures, which one, from 0; empty: the first, with a note about the others.
  std::optional<int64_t> page;
};

/// How the pictures of a file follow each other.
struct Sequence {
  int64_t pages = 1;
  std::vector<int> delays_ms;  ///< How long each frame of an animation is shown; empty: pages, which have no time.
  int loops = 0;               ///< How often an animation is shown; 0: for ever.
  bool animated() const { return !delays_ms.empty(); }
};

/// Pixels per millimetre; zero: unknown.
struct Resolution {
  double x = 0.0;
  double y = 0.0;
  bool known() const { return x > 0.0 && y > 0.0; }
};

/// Interleaved samples as they stand in a file, or floating-point values of an HDR file.
struct PixelBuffer {
  int64_t width = 0;
  int64_t height = 0;
  int bands = 0;      ///< 1 gray, 2 gray + alpha, 3 RGB, 4 RGB + alpha.
  int bit_depth = 8;  ///< 8, or 16 with native-endian 16-bit samples, or 32 with floats.
  std::vector<uint8_t> bytes;
};

/// EXIF, XMP, IPTC, ICC profile and resolution of a photo, kept as they came. Opaque.
class PhotoMetadata;
struct GainMap;

/// The same with another resolution. `metadata` may be null.
std::shared_ptr<const PhotoMetadata> with_resolution(const PhotoMetadata* metadata, const Resolution& resolution);

/// What the header of a photo says.
struct PhotoHeader {
  ImageFormat format = ImageFormat::kPng;
  int64_t width = 0;  ///< After the EXIF orientation is applied.
  int64_t height = 0;
  int bands = 0;
  int bit_depth = 8;
  bool cmyk = false;    ///< Stored as CMYK; read as sRGB, which `bands` counts.
  int orientation = 1;  ///< EXIF orientation as found, 1-8.
  /// Of HDR files: OpenEXR, floating-point TIFF, and what signals PQ or HLG by nclx, cICP or its ICC profile.
  std::optional<HdrCoding> hdr;
  bool narrow_range = false;  ///< Of an HDR PNG: black is 16 and white 235 of 255.
  Sequence sequence;
  Resolution resolution;
  size_t exif_bytes = 0;
  size_t xmp_bytes = 0;
  size_t iptc_bytes = 0;
  size_t icc_bytes = 0;
};

struct DecodedPhoto {
  PhotoHeader header;
  PixelBuffer pixels;
  std::shared_ptr<const PhotoMetadata> metadata;
  std::vector<std::string> notes;           ///< One line each: what a careful person would want to know.
  std::shared_ptr<const GainMap> gain_map;  ///< Of a JPEG file; or null.
  std::string damage;  ///< What is damaged in a file that was accepted all the same; empty: nothing.
};

struct EncodeOptions {
  int quality = 95;    ///< 1-100, JPEG, WebP, HEIC, AVIF and JPEG XL; 100: lossless, but for JPEG.
  bool strip = false;  ///< Leave out EXIF, XMP, IPTC and ICC; what a profile describes becomes sRGB.
  /// Of several pages: the picture is those frames, one below the other. WebP and GIF only.
  Sequence sequence;
};

/// Reads only the header. Throws like `decode_photo`.
PhotoHeader read_photo_header(const std::filesystem::path& path);

/// Decodes by content, not by name; applies the EXIF orientation and converts CMYK to sRGB. Throws IoError (missing,
/// unreadable) or InputError (empty, not an image, over the limits, HDR where `limits` refuse it; truncated or damaged
/// as far as its decoder notices, unless `limits` accept that). What the decoder takes for a harmless oddity becomes a
/// note. Damage that no decoder can see, such as overwritten bytes in a format without checksums, is not found.
DecodedPhoto decode_photo(const std::filesystem::path& path, const ReadLimits& limits);

/// Writes `pixels` to the file descriptor. `metadata` (may be null) is carried over with its sizes corrected and the
/// orientation reset. A resolution that it does not know, or that is stripped, is not written. Throws IoError naming
/// `target`. Gamma and primaries, which only PNG files state, become sRGB in other formats and where they are stripped.
void encode_photo(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                  const EncodeOptions& options, const std::filesystem::path& target, int descriptor);

/// The same, as the bytes of the file. Throws IoError.
std::string encode_to_memory(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                             const EncodeOptions& options);

/// Version of libvips, e.g. "8.14.1".
std::string codec_version();

}  // namespace zsr
