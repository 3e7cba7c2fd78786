#include "core/image/photo_codec.h"

#include "core/error.h"
#include "core/files.h"
#include "core/image/opencv_codec.h"
#include "core/image/tiff_exif.h"

#include <fmt/format.h>
#include <vips/vips.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <regex>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace zsr {
namespace {

struct VipsDeleter {
  void operator()(void* object) const { g_object_unref(object); }
};
using ImagePtr = std::unique_ptr<VipsImage, VipsDeleter>;

void start_vips() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (VIPS_INIT("zsr") != 0) throw IoError("cannot start libvips");
    // Loaders that upstream has not hardened against hostile files stay off; the plain PNM one is needed and tiny.
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoadPpm", FALSE);
    vips_cache_set_max(0);
    // With several threads libvips 8.14 now and then loses the error of a decoder whose strip another thread waits for:
    // a truncated JPEG came back whole and partly black. Decoders work on one thread anyway.
    vips_concurrency_set(1);
    // libvips repeats every decoder warning on stderr; what matters arrives as an error instead.
    g_log_set_handler(
        "VIPS", G_LOG_LEVEL_WARNING, [](const char*, GLogLevelFlags, const char*, void*) {}, nullptr);
  });
}

// First line of libvips' error text, cleared for the next call.
std::string take_vips_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  text = text.substr(0, text.find('\n'));
  return text.empty() ? "unknown error" : text;
}

std::optional<ImageFormat> sniff_format(std::string_view head) {
  const auto starts = [&](std::string_view magic) { return head.substr(0, magic.size()) == magic; };
  if (starts("\x89PNG\r\n\x1A\n")) return ImageFormat::kPng;
  if (starts("\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (starts({"II*\0", 4}) || starts({"MM\0*", 4}) || starts({"II+\0", 4}) || starts({"MM\0+", 4})) {
    return ImageFormat::kTiff;
  }
  if (starts("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP") return ImageFormat::kWebp;
  if (starts("GIF8")) return ImageFormat::kGif;
  if (starts("BM")) return ImageFormat::kBmp;
  if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' && std::isspace(head[2]) != 0) {
    return ImageFormat::kPnm;
  }
  if (head.size() >= 12 && head.substr(4, 4) == "ftyp") return ImageFormat::kHeif;
  return std::nullopt;
}

ImageFormat sniff_file(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), system_error_text(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw IoError(fmt::format("cannot read photo '{}': it is a folder", path.string()));
  if (!S_ISREG(status.st_mode)) {
    throw IoError(fmt::format("cannot read photo '{}': it is not a regular file", path.string()));
  }
  if (status.st_size == 0) throw InputError(fmt::format("photo '{}' is empty (0 bytes)", path.string()));
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), system_error_text(errno)));
  }
  std::array<char, 16> head{};
  const ssize_t count = read(descriptor, head.data(), head.size());
  close(descriptor);
  const auto format = sniff_format({head.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))});
  if (!format) {
    throw InputError(fmt::format("'{}' is not a photo that zsr reads (PNG, JPEG, TIFF, WebP, GIF, HEIF, PNM or BMP)",
                                 path.string()));
  }
  return *format;
}

// libvips parses EXIF blocks only while it loads certain formats, so the block of a TIFF travels in a 1x1 JPEG: what
// comes out is copied to `image`.
void import_exif(VipsImage* image, const std::string& block) {
  const std::array<uint8_t, 1> pixel{0};
  const ImagePtr tiny(vips_image_new_from_memory(pixel.data(), 1, 1, 1, 1, VIPS_FORMAT_UCHAR));
  void* data = nullptr;
  size_t size = 0;
  if (!tiny || block.size() > 65000 || vips_jpegsave_buffer(tiny.get(), &data, &size, nullptr) != 0) return;
  std::string jpeg(static_cast<char*>(data), size);
  g_free(data);
  const size_t length = block.size() + 2;
  jpeg.insert(2, std::string("\xFF\xE1") + static_cast<char>(length >> 8U) + static_cast<char>(length & 0xFFU) + block);
  const ImagePtr carrier(vips_image_new_from_buffer(jpeg.data(), jpeg.size(), "", nullptr));
  if (!carrier) {
    vips_error_clear();
    return;
  }
  gchar** fields = vips_image_get_fields(carrier.get());
  for (gchar** field = fields; *field != nullptr; ++field) {
    if (std::string_view(*field).substr(0, 5) != "exif-") continue;
    GValue value = G_VALUE_INIT;
    if (vips_image_get(carrier.get(), *field, &value) != 0) continue;
    vips_image_set(image, *field, &value);
    g_value_unset(&value);
  }
  g_strfreev(fields);
}

// The loaded image with the EXIF of its TIFF file added.
ImagePtr with_tiff_exif(ImagePtr image, const std::filesystem::path& path) {
  constexpr size_t kLargestFile = size_t{2} << 30U;
  if (std::filesystem::file_size(path) > kLargestFile) return image;
  const std::string block = exif_from_tiff(read_file(path, kLargestFile));
  VipsImage* copy = nullptr;
  if (block.empty() || vips_copy(image.get(), &copy, nullptr) != 0) return image;
  ImagePtr result(copy);
  import_exif(result.get(), block);
  return result;
}

ImagePtr open_with_vips(const std::filesystem::path& path, ImageFormat format) {
  start_vips();
  // A source, not a file name: libvips would read "[...]" in a name as options.
  const std::unique_ptr<VipsSource, VipsDeleter> source(vips_source_new_from_file(path.c_str()));
  if (!source) throw IoError(fmt::format("cannot read photo '{}': {}", path.string(), take_vips_error()));
  // "error" refuses truncated and corrupt data and lets pass what decoders only warn of, such as stray bytes between
  // JPEG markers, which many cameras write.
  ImagePtr image(vips_image_new_from_source(source.get(), "", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
  if (!image) {
    throw InputError(
        fmt::format("photo '{}' is damaged or of an unsupported kind: {}", path.string(), take_vips_error()));
  }
  return format == ImageFormat::kTiff ? with_tiff_exif(std::move(image), path) : std::move(image);
}

size_t blob_size(VipsImage* image, const char* name) {
  const void* data = nullptr;
  size_t size = 0;
  if (vips_image_get_typeof(image, name) == 0 || vips_image_get_blob(image, name, &data, &size) != 0) return 0;
  return size;
}

PhotoHeader header_of(VipsImage* image, ImageFormat format, const std::filesystem::path& path) {
  PhotoHeader header;
  header.format = format;
  header.width = vips_image_get_width(image);
  header.height = vips_image_get_height(image);
  header.bands = vips_image_get_bands(image);
  const VipsBandFormat samples = vips_image_get_format(image);
  if (samples != VIPS_FORMAT_UCHAR && samples != VIPS_FORMAT_USHORT) {
    throw InputError(fmt::format("photo '{}' has {} samples; zsr reads 8 and 16 bit integers, convert it first",
                                 path.string(), vips_enum_nick(VIPS_TYPE_BAND_FORMAT, samples)));
  }
  header.bit_depth = samples == VIPS_FORMAT_USHORT ? 16 : 8;
  switch (vips_image_get_interpretation(image)) {
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_MULTIBAND:
      break;
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
  header.pages = std::max(1, vips_image_get_n_pages(image));
  header.pixels_per_mm_x = vips_image_get_xres(image);
  header.pixels_per_mm_y = vips_image_get_yres(image);
  header.exif_bytes = blob_size(image, VIPS_META_EXIF_NAME);
  header.xmp_bytes = blob_size(image, VIPS_META_XMP_NAME);
  header.iptc_bytes = blob_size(image, VIPS_META_IPTC_NAME);
  header.icc_bytes = blob_size(image, VIPS_META_ICC_NAME);
  return header;
}

// XMP repeats the size and the orientation as text; a viewer that believes it would turn the upright pixels again.
std::string corrected_xmp(std::string xmp, int64_t width, int64_t height) {
  const auto set = [&](const char* tag, int64_t value) {
    const std::string number = std::to_string(value);
    const std::regex attribute(fmt::format("({}\\s*=\\s*[\"'])\\d+([\"'])", tag));
    const std::regex element(fmt::format("(<{}>)\\s*\\d+\\s*(</{}>)", tag, tag));
    xmp = std::regex_replace(xmp, attribute, "$01" + number + "$02");
    xmp = std::regex_replace(xmp, element, "$01" + number + "$02");
  };
  set("tiff:Orientation", 1);
  set("tiff:ImageWidth", width);
  set("tiff:ImageLength", height);
  set("exif:PixelXDimension", width);
  set("exif:PixelYDimension", height);
  return xmp;
}

// A colour profile describes a number of channels; bytes 16-19 of its header say which.
bool profile_fits(const void* data, size_t size, bool gray) {
  if (size < 20) return false;
  const std::string_view space(static_cast<const char*>(data) + 16, 4);
  return gray ? space == "GRAY" : space == "RGB ";
}

// A whole TIFF file in memory, EXIF included. BigTIFF when the pixels ask for it; those go without EXIF.
std::string encode_tiff(VipsImage* image, const EncodeOptions& options) {
  void* data = nullptr;
  size_t size = 0;
  const bool big = VIPS_IMAGE_SIZEOF_IMAGE(image) > (uint64_t{3} << 30U);
  if (vips_tiffsave_buffer(image, &data, &size, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
                           VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "strip", options.strip, "bigtiff", big,
                           nullptr) != 0) {
    throw IoError(fmt::format("cannot encode TIFF: {}", take_vips_error()));
  }
  std::string tiff(static_cast<char*>(data), size);
  g_free(data);
  const void* exif = nullptr;
  size_t exif_size = 0;
  if (options.strip || vips_image_get_typeof(image, VIPS_META_EXIF_NAME) == 0 ||
      vips_image_get_blob(image, VIPS_META_EXIF_NAME, &exif, &exif_size) != 0) {
    return tiff;
  }
  return add_exif_to_tiff(tiff, {static_cast<const char*>(exif), exif_size}, vips_image_get_width(image),
                          vips_image_get_height(image));
}

}  // namespace

/// Holds the header image of the source; libvips keeps all fields and blobs on it.
class PhotoMetadata {
 public:
  explicit PhotoMetadata(ImagePtr header) : header_(std::move(header)) {}

  /// Copies the fields onto `image`, whose final size must be set.
  void apply_to(VipsImage* image, bool gray) const {
    const int width = vips_image_get_width(image);
    const int height = vips_image_get_height(image);
    gchar** fields = vips_image_get_fields(header_.get());
    for (gchar** field = fields; *field != nullptr; ++field) {
      const std::string name = *field;
      const bool wanted = name.rfind("exif-", 0) == 0 || name == VIPS_META_XMP_NAME || name == VIPS_META_IPTC_NAME ||
                          name == VIPS_META_ICC_NAME || name == "png-comment" || name == VIPS_META_IMAGEDESCRIPTION ||
                          name == VIPS_META_RESOLUTION_UNIT || name.rfind("png-comment-", 0) == 0;
      // The thumbnail shows the old pixels and IFD1 describes only it.
      if (!wanted || name.rfind("exif-ifd1-", 0) == 0) continue;
      GValue value = G_VALUE_INIT;
      if (vips_image_get(header_.get(), name.c_str(), &value) != 0) continue;
      vips_image_set(image, name.c_str(), &value);
      g_value_unset(&value);
    }
    g_strfreev(fields);
    vips_autorot_remove_angle(image);
    image->Xres = vips_image_get_xres(header_.get());
    image->Yres = vips_image_get_yres(header_.get());
    fix_blobs(image, width, height, gray);
    vips_error_clear();
  }

 private:
  static void fix_blobs(VipsImage* image, int width, int height, bool gray) {
    const void* data = nullptr;
    size_t size = 0;
    if (vips_image_get_typeof(image, VIPS_META_XMP_NAME) != 0 &&
        vips_image_get_blob(image, VIPS_META_XMP_NAME, &data, &size) == 0 && size < (10U << 20U)) {
      const std::string xmp = corrected_xmp({static_cast<const char*>(data), size}, width, height);
      vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
    }
    if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
        vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size) == 0 && !profile_fits(data, size, gray)) {
      vips_image_remove(image, VIPS_META_ICC_NAME);
    }
  }

  ImagePtr header_;
};

std::string codec_version() {
  start_vips();
  return vips_version_string();
}

PhotoHeader read_photo_header(const std::filesystem::path& path) {
  const ImageFormat format = sniff_file(path);
  if (format == ImageFormat::kBmp) return read_bmp_header(path);
  return header_of(open_with_vips(path, format).get(), format, path);
}

DecodedPhoto decode_photo(const std::filesystem::path& path, const ReadLimits& limits) {
  const ImageFormat format = sniff_file(path);
  DecodedPhoto photo;
  ImagePtr image;
  if (format == ImageFormat::kBmp) {
    photo.header = read_bmp_header(path);
  } else {
    image = open_with_vips(path, format);
    photo.header = header_of(image.get(), format, path);
  }
  const PhotoHeader& header = photo.header;
  if (header.width > limits.max_pixels / std::max<int64_t>(1, header.height)) {
    throw InputError(
        fmt::format("photo '{}' is {}x{} = {:.1f} megapixels, over the limit of {:.1f}; raise --max-pixels "
                    "if you trust it",
                    path.string(), header.width, header.height,
                    static_cast<double>(header.width) * static_cast<double>(header.height) / 1e6,
                    static_cast<double>(limits.max_pixels) / 1e6));
  }
  if (header.pages > 1) {
    photo.notes.push_back(
        fmt::format("'{}' has {} pages or frames; only the first is used", path.string(), header.pages));
  }
  if (format == ImageFormat::kBmp) {
    photo.pixels = decode_bmp(path);
    photo.header.bands = photo.pixels.bands;
    return photo;
  }

  VipsImage* upright = nullptr;
  if (vips_autorot(image.get(), &upright, nullptr) != 0) {
    throw InputError(fmt::format("photo '{}' is damaged: {}", path.string(), take_vips_error()));
  }
  const ImagePtr owner(upright);
  size_t size = 0;
  void* memory = vips_image_write_to_memory(upright, &size);
  if (memory == nullptr) {
    throw InputError(fmt::format("photo '{}' is damaged or cut off: {}", path.string(), take_vips_error()));
  }
  photo.pixels = {header.width, header.height, header.bands, header.bit_depth, {}};
  photo.pixels.bytes.assign(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + size);
  g_free(memory);
  photo.metadata = std::make_shared<PhotoMetadata>(std::move(image));
  return photo;
}

void encode_photo(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                  const EncodeOptions& options, const std::filesystem::path& target, int descriptor) {
  if (format == ImageFormat::kBmp) {
    encode_bmp(pixels, target, descriptor);
    return;
  }
  start_vips();
  const auto fail = [&] {
    // libvips says only "write error"; one more byte gets the system's reason.
    errno = 0;
    const bool full = write(descriptor, "", 1) < 0;
    const int code = errno;
    const std::string text = take_vips_error();
    throw IoError(fmt::format("cannot write '{}': {}", target.string(), full ? system_error_text(code) : text));
  };
  const bool wide = pixels.bit_depth == 16;
  const bool gray = pixels.bands <= 2;
  const ImagePtr memory(vips_image_new_from_memory(pixels.bytes.data(), pixels.bytes.size(),
                                                   static_cast<int>(pixels.width), static_cast<int>(pixels.height),
                                                   pixels.bands, wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR));
  if (!memory) fail();
  VipsImage* copied = nullptr;
  const VipsInterpretation colour = gray ? (wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W)
                                         : (wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
  if (vips_copy(memory.get(), &copied, "interpretation", colour, nullptr) != 0) fail();
  const ImagePtr image(copied);
  if (metadata != nullptr && !options.strip) metadata->apply_to(image.get(), gray && format != ImageFormat::kWebp);

  const std::unique_ptr<VipsTarget, VipsDeleter> output(vips_target_new_to_descriptor(descriptor));
  if (!output) fail();
  int result = -1;
  switch (format) {
    case ImageFormat::kPng:
      result = vips_pngsave_target(image.get(), output.get(), "compression", 6, "strip", options.strip, nullptr);
      break;
    case ImageFormat::kJpeg:
      result = vips_jpegsave_target(image.get(), output.get(), "Q", options.quality, "optimize_coding", TRUE,
                                    "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF, "strip", options.strip, nullptr);
      break;
    case ImageFormat::kTiff:
      write_all(descriptor, encode_tiff(image.get(), options), target);
      result = 0;
      break;
    case ImageFormat::kWebp:
      if (options.frames > 1) {
        const std::vector<int> delays(static_cast<size_t>(options.frames), options.frame_ms);
        vips_image_set_int(image.get(), VIPS_META_PAGE_HEIGHT, static_cast<int>(pixels.height) / options.frames);
        vips_image_set_array_int(image.get(), "delay", delays.data(), options.frames);
      }
      result = vips_webpsave_target(image.get(), output.get(), "Q", options.quality, "smart_subsample", TRUE,
                                    "lossless", options.quality >= 100, "strip", options.strip, nullptr);
      break;
    case ImageFormat::kPnm:
      result = vips_ppmsave_target(image.get(), output.get(), "format",
                                   gray ? VIPS_FOREIGN_PPM_FORMAT_PGM : VIPS_FOREIGN_PPM_FORMAT_PPM, nullptr);
      break;
    case ImageFormat::kBmp:
    case ImageFormat::kGif:
    case ImageFormat::kHeif:
      throw OptionError(
          fmt::format("zsr does not write {} files; use png, jpeg, tiff, webp, pnm or bmp", to_string(format)));
  }
  if (result != 0) fail();
}

}  // namespace zsr
