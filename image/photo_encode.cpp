#include "core/error.h"
#include "core/files.h"
#include "image/apng.h"
#include "image/color_profile.h"
#include "image/metadata_table.h"
#include "image/opencv_codec.h"
#include "image/optional_formats.h"
#include "image/photo_codec.h"
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
#include <sys/mman.h>
#include <unistd.h>

namespace zsr {
namespace {

// A whole TIFF file in memory, EXIF included. BigTIFF when the pixels ask for it; those go without EXIF.
std::string encode_tiff(VipsImage* image, const EncodeOptions& options) {
  void* data = nullptr;
  size_t size = 0;
  const bool big = VIPS_IMAGE_SIZEOF_IMAGE(image) > (uint64_t{3} << 30U);
  const VipsForeignTiffPredictor predictor = vips_image_get_format(image) == VIPS_FORMAT_FLOAT
                                                 ? VIPS_FOREIGN_TIFF_PREDICTOR_FLOAT
                                                 : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL;
  if (vips_tiffsave_buffer(image, &data, &size, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE, "predictor",
                           predictor, "strip", options.strip, "bigtiff", big, nullptr) != 0) {
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

// In the others gray becomes RGB.
bool holds_gray(ImageFormat format) {
  return format != ImageFormat::kWebp && format != ImageFormat::kHeif && format != ImageFormat::kAvif;
}

void set_sequence(VipsImage* image, const Sequence& sequence) {
  if (sequence.pages <= 1) return;
  const auto pages = static_cast<int>(sequence.pages);
  vips_image_set_int(image, VIPS_META_PAGE_HEIGHT, vips_image_get_height(image) / pages);
  vips_image_set_array_int(image, "delay", sequence.delays_ms.data(), static_cast<int>(sequence.delays_ms.size()));
  vips_image_set_int(image, "loop", sequence.loops);
}

// Encodes the image, in formats whose files libvips writes as they come. 0 when all went well.
int write_image(VipsImage* image, VipsTarget* output, ImageFormat format, const EncodeOptions& options) {
  switch (format) {
    case ImageFormat::kPng:
      return vips_pngsave_target(image, output, "compression", 6, "strip", options.strip, nullptr);
    case ImageFormat::kJpeg:
      return vips_jpegsave_target(image, output, "Q", options.quality, "optimize_coding", TRUE, "subsample_mode",
                                  VIPS_FOREIGN_SUBSAMPLE_OFF, "strip", options.strip, nullptr);
    case ImageFormat::kWebp:
      set_sequence(image, options.sequence);
      return vips_webpsave_target(image, output, "Q", options.quality, "smart_subsample", TRUE, "lossless",
                                  options.quality >= 100, "strip", options.strip, nullptr);
    case ImageFormat::kPnm:
      return vips_ppmsave_target(
          image, output, "format",
          vips_image_get_bands(image) <= 2 ? VIPS_FOREIGN_PPM_FORMAT_PGM : VIPS_FOREIGN_PPM_FORMAT_PPM, nullptr);
    case ImageFormat::kHeif:
    case ImageFormat::kAvif:
    case ImageFormat::kJxl:
      if (!can_encode(format)) throw OptionError(why_not_writable(format));
      return write_optional(image, output, format, options);
    case ImageFormat::kGif:
      set_sequence(image, options.sequence);
      return write_gif(image, output);
    case ImageFormat::kTiff:
    case ImageFormat::kBmp:
    case ImageFormat::kExr:
      throw OptionError(why_not_writable(format));
  }
  return -1;
}

}  // namespace

namespace {

// Pixels whose colours only metadata explain that the file will not have are written as sRGB; false where there are
// none.
bool encode_as_srgb(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                    const EncodeOptions& options, const std::filesystem::path& target, int descriptor) {
  if (metadata == nullptr) return false;
  if (options.strip) {
    // Without its profile a viewer takes the numbers for sRGB.
    if (const auto srgb = converted_to_srgb(pixels, metadata->profile(pixels.bands <= 2))) {
      encode_photo(*srgb, nullptr, format, options, target, descriptor);
      return true;
    }
  }
  if (!options.strip && format == ImageFormat::kPng) return false;
  // Likewise without the chunks that only PNG has.
  const auto color = png_color(metadata->png_chunks());
  if (!color) return false;
  const auto without = metadata->without_png_chunks();
  encode_photo(converted_to_srgb(pixels, *color), options.strip ? nullptr : without.get(), format, options, target,
               descriptor);
  return true;
}

}  // namespace

void encode_photo(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                  const EncodeOptions& options, const std::filesystem::path& target, int descriptor) {
  if (encode_as_srgb(pixels, metadata, format, options, target, descriptor)) return;
  const bool keeps = metadata != nullptr && !options.strip;
  if (format == ImageFormat::kBmp) {
    encode_bmp(pixels, keeps ? metadata->resolution() : Resolution{}, target, descriptor);
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
  const ImagePtr image = image_of(pixels);
  if (!image) fail();
  if (keeps) metadata->apply_to(image.get(), pixels.bands <= 2 && holds_gray(format));

  // libvips always writes a resolution. Where none is known the file is made in memory and the invented one taken out.
  const bool unknown = options.strip || (metadata != nullptr ? !metadata->resolution().known() : is_optional(format));
  const bool has_chunks = keeps && format == ImageFormat::kPng && !metadata->png_chunks().empty();
  const bool in_memory = has_chunks || is_optional(format) || (unknown && format != ImageFormat::kPnm);
  const std::unique_ptr<VipsTarget, VipsDeleter> output(in_memory ? vips_target_new_to_memory()
                                                                  : vips_target_new_to_descriptor(descriptor));
  if (!output) fail();
  if (format == ImageFormat::kTiff) {
    std::string encoded = encode_tiff(image.get(), options);
    write_all(descriptor, unknown ? without_resolution(std::move(encoded), format) : encoded, target);
    return;
  }
  const bool has_exif = vips_image_get_typeof(image.get(), VIPS_META_EXIF_NAME) != 0;
  if (write_image(image.get(), output.get(), format, options) != 0) fail();
  if (!in_memory) return;
  std::string encoded = bytes_of(output.get());
  if (encoded.empty()) fail();
  if (is_optional(format) && !holds_picture(encoded)) {
    vips_error_clear();
    throw IoError(fmt::format("cannot write '{}': the encoder of {} does not take {} x {} pixels", target.string(),
                              to_string(format), pixels.width, pixels.height));
  }
  if (unknown) encoded = without_resolution(std::move(encoded), format);
  if (unknown && !has_exif && format == ImageFormat::kJxl) encoded = without_jxl_exif(std::move(encoded));
  if (has_chunks) encoded = with_png_chunks(std::move(encoded), metadata->png_chunks());
  write_all(descriptor, encoded, target);
}

std::shared_ptr<const PhotoMetadata> with_resolution(const PhotoMetadata* metadata, const Resolution& resolution) {
  if (metadata == nullptr) return std::make_shared<PhotoMetadata>(nullptr, resolution);
  return metadata->with_resolution(resolution);
}

std::string encode_to_memory(const PixelBuffer& pixels, const PhotoMetadata* metadata, ImageFormat format,
                             const EncodeOptions& options) {
  const int descriptor = memfd_create("picture", MFD_CLOEXEC);
  if (descriptor < 0) throw IoError("cannot get memory for a picture");
  std::string bytes;
  try {
    encode_photo(pixels, metadata, format, options, "a picture in memory", descriptor);
    bytes.resize(static_cast<size_t>(lseek(descriptor, 0, SEEK_END)));
    for (size_t at = 0; at < bytes.size();) {
      const ssize_t count = pread(descriptor, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
      if (count <= 0) throw IoError("cannot read a picture from memory");
      at += static_cast<size_t>(count);
    }
  } catch (...) {
    close(descriptor);
    throw;
  }
  close(descriptor);
  return bytes;
}

}  // namespace zsr
