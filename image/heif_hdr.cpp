#include "image/heif_hdr.h"

#include "core/error.h"
#include "image/heif_library.h"

#include <fmt/format.h>

#include <cstring>
#include <libheif/heif.h>
#include <map>
#include <mutex>
#include <utility>

namespace zsr {
namespace {

void add_heif_plane(heif_image* image, heif_channel channel, int width, int height, int bit_depth,
                    const std::vector<uint16_t>& samples) {
  check_heif(heif_image_add_plane(image, channel, width, height, bit_depth));
  int stride = 0;
  uint8_t* const rows = heif_image_get_plane(image, channel, &stride);
  for (int y = 0; y < height; ++y) {
    std::memcpy(rows + static_cast<ptrdiff_t>(y) * stride, samples.data() + static_cast<ptrdiff_t>(y) * width,
                static_cast<size_t>(width) * sizeof(uint16_t));
  }
}

HeifColor color_of(const CodePlanes& codes) {
  HeifColor color(heif_nclx_color_profile_alloc());
  if (!color) throw IoError("libheif: no memory");
  color->color_primaries = static_cast<heif_color_primaries>(codes.primaries);
  color->transfer_characteristics = static_cast<heif_transfer_characteristics>(codes.transfer);
  color->matrix_coefficients = heif_matrix_coefficients_ITU_R_BT_2020_2_non_constant_luminance;
  color->full_range_flag = 1;
  return color;
}

HeifImage heif_image_of(const CodePlanes& codes) {
  heif_image* made = nullptr;
  const auto width = static_cast<int>(codes.width);
  const auto height = static_cast<int>(codes.height);
  check_heif(heif_image_create(width, height, heif_colorspace_YCbCr,
                               codes.half_color ? heif_chroma_420 : heif_chroma_444, &made));
  HeifImage image(made);
  const int color_width = codes.half_color ? (width + 1) / 2 : width;
  const int color_height = codes.half_color ? (height + 1) / 2 : height;
  add_heif_plane(made, heif_channel_Y, width, height, codes.bit_depth, codes.planes[0]);
  add_heif_plane(made, heif_channel_Cb, color_width, color_height, codes.bit_depth, codes.planes[1]);
  add_heif_plane(made, heif_channel_Cr, color_width, color_height, codes.bit_depth, codes.planes[2]);
  if (!codes.planes[3].empty()) {
    add_heif_plane(made, heif_channel_Alpha, width, height, codes.bit_depth, codes.planes[3]);
  }
  return image;
}

heif_error append_bytes(heif_context*, const void* data, size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return {heif_error_Ok, heif_suberror_Unspecified, "ok"};
}

HeifEncoder encoder_of(heif_context* context, ImageFormat format, bool half_color, int quality) {
  heif_encoder* found = nullptr;
  check_heif(heif_context_get_encoder_for_format(
      context, format == ImageFormat::kAvif ? heif_compression_AV1 : heif_compression_HEVC, &found));
  HeifEncoder encoder(found);
  constexpr int kLossless = 100;
  check_heif(heif_encoder_set_lossy_quality(found, quality));
  check_heif(heif_encoder_set_lossless(found, quality >= kLossless ? 1 : 0));
  // The colours have their size already; without this the encoder would halve it.
  check_heif(heif_encoder_set_parameter_string(found, "chroma", half_color ? "420" : "444"));
  return encoder;
}

}  // namespace

std::string encode_heif(const CodePlanes& codes, ImageFormat format, int quality, const HeifTexts& texts) {
  start_heif();
  const HeifContext context(heif_context_alloc());
  const HeifEncoder encoder = encoder_of(context.get(), format, codes.half_color, quality);
  const HeifColor color = color_of(codes);
  const HeifImage image = heif_image_of(codes);
  check_heif(heif_image_set_nclx_color_profile(image.get(), color.get()));
  const HeifOptions options(heif_encoding_options_alloc());
  options->output_nclx_profile = color.get();
  // Else libheif 1.15 leaves the colours unsignalled in the file's own box.
  options->macOS_compatibility_workaround_no_nclx_profile = 0;
  heif_image_handle* made = nullptr;
  check_heif(heif_context_encode_image(context.get(), image.get(), encoder.get(), options.get(), &made));
  const HeifHandle handle(made);
  if (!texts.exif.empty()) {
    check_heif(
        heif_context_add_exif_metadata(context.get(), made, texts.exif.data(), static_cast<int>(texts.exif.size())));
  }
  if (!texts.xmp.empty()) {
    check_heif(
        heif_context_add_XMP_metadata(context.get(), made, texts.xmp.data(), static_cast<int>(texts.xmp.size())));
  }
  std::string file;
  heif_writer writer{1, append_bytes};
  check_heif(heif_context_write(context.get(), &writer, &file));
  return file;
}

bool can_encode_heif(ImageFormat format, int bit_depth) {
  // libheif 1.15 (Debian 12) takes the storage of 10 bits for their number and lets libaom end the program:
  // https://github.com/strukturag/libheif/issues/788.
  constexpr uint32_t kBroken = 0x010F0000;
  constexpr uint32_t kMended = 0x01110000;
  const uint32_t version = heif_get_version_number();
  if (format == ImageFormat::kAvif && bit_depth == 10 && version >= kBroken && version < kMended) return false;
  static std::mutex mutex;
  static std::map<std::pair<ImageFormat, int>, bool> known;
  const std::lock_guard<std::mutex> guard(mutex);
  const auto [place, fresh] = known.try_emplace({format, bit_depth}, false);
  if (!fresh) return place->second;
  constexpr int kSide = 64;  // smaller ones some encoders refuse
  CodePlanes codes;
  codes.width = codes.height = kSide;
  codes.bit_depth = bit_depth;
  for (size_t i = 0; i < 3; ++i) codes.planes[i].assign(size_t{kSide} * kSide, 512);
  try {
    constexpr int kQuality = 90;
    place->second = !encode_heif(codes, format, kQuality).empty();
  } catch (const IoError&) {
    place->second = false;
  }
  return place->second;
}

std::string heif_version() {
  return heif_get_version();
}

}  // namespace zsr
