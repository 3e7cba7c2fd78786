#include "image/optional_formats.h"

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace zsr {
namespace {

struct Found {
  bool encodes = false;
  bool keeps_metadata = false;
};

// The bytes of a file with a small picture that carries XMP; empty where it cannot be made.
std::string small_file(ImageFormat format) {
  constexpr int kSide = 16;
  constexpr std::string_view kXmp = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>";
  const PixelBuffer pixels{kSide, kSide, 3, 8, std::vector<uint8_t>(size_t{3} * kSide * kSide, 100)};
  const ImagePtr image = image_of(pixels);
  const std::unique_ptr<VipsTarget, VipsDeleter> output(vips_target_new_to_memory());
  if (!image || !output) return {};
  vips_image_set_blob_copy(image.get(), VIPS_META_XMP_NAME, kXmp.data(), kXmp.size());
  const int failed = format == ImageFormat::kGif ? write_gif(image.get(), output.get())
                                                 : write_optional(image.get(), output.get(), format, {});
  if (failed != 0) return {};
  return bytes_of(output.get());
}

// Whether libvips finds XMP in an encoded file, which may be compressed there.
bool holds_xmp(const std::string& encoded) {
  const ImagePtr image(vips_image_new_from_buffer(encoded.data(), encoded.size(), "", nullptr));
  return image != nullptr && vips_image_get_typeof(image.get(), VIPS_META_XMP_NAME) != 0;
}

Found probe(ImageFormat format) {
  const auto lock = lock_vips_messages();
  const std::string file = small_file(format);
  Found found{!file.empty() && holds_picture(file), file.find("<x:xmpmeta") != std::string::npos || holds_xmp(file)};
  vips_error_clear();
  return found;
}

Found found_of(ImageFormat format) {
  static std::mutex mutex;
  static std::map<ImageFormat, Found> known;
  const std::lock_guard<std::mutex> guard(mutex);
  const auto place = known.find(format);
  return place != known.end() ? place->second : known.emplace(format, probe(format)).first->second;
}

}  // namespace

bool is_optional(ImageFormat format) {
  return format == ImageFormat::kHeif || format == ImageFormat::kAvif || format == ImageFormat::kJxl;
}

bool can_encode(ImageFormat format) {
  return found_of(format).encodes;
}

bool keeps_metadata(ImageFormat format) {
  return found_of(format).keeps_metadata;
}

int write_optional(VipsImage* image, VipsTarget* output, ImageFormat format, const EncodeOptions& options) {
  const gboolean lossless = options.quality >= 100 ? TRUE : FALSE;
  if (format == ImageFormat::kJxl) {
    return vips_jxlsave_target(image, output, "Q", options.quality, "lossless", lossless, "strip", options.strip,
                               nullptr);
  }
  // Phones decode HEIC with halved colour only.
  const bool whole_color = format == ImageFormat::kAvif || lossless != FALSE;
  return vips_heifsave_target(
      image, output, "Q", options.quality, "lossless", lossless, "compression",
      format == ImageFormat::kAvif ? VIPS_FOREIGN_HEIF_COMPRESSION_AV1 : VIPS_FOREIGN_HEIF_COMPRESSION_HEVC,
      "subsample_mode", whole_color ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON, "strip", options.strip,
      nullptr);
}

int write_gif(VipsImage* image, VipsTarget* output) {
  return vips_gifsave_target(image, output, nullptr);
}

bool holds_picture(const std::string& encoded) {
  const ImagePtr image(vips_image_new_from_buffer(encoded.data(), encoded.size(), "", nullptr));
  return image != nullptr;
}

ImagePtr with_heif_xmp(ImagePtr image) {
  if (!image || vips_image_get_typeof(image.get(), VIPS_META_XMP_NAME) != 0) return image;
  std::string xmp;
  gchar** fields = vips_image_get_fields(image.get());
  for (gchar** field = fields; *field != nullptr && xmp.empty(); ++field) {
    if (std::string_view(*field).substr(0, 10) != "heif-mime-") continue;
    const std::string_view text = vips_blob(image.get(), *field);
    if (text.find("<x:xmpmeta") != std::string_view::npos || text.find("<rdf:RDF") != std::string_view::npos)
      xmp = text;
  }
  g_strfreev(fields);
  VipsImage* copy = nullptr;
  if (xmp.empty() || vips_copy(image.get(), &copy, nullptr) != 0) return image;
  vips_image_set_blob_copy(copy, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  return ImagePtr(copy);
}

}  // namespace zsr
