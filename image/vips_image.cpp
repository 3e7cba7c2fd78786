#include "image/vips_image.h"

#include "core/error.h"

namespace zsr {

void start_vips() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (VIPS_INIT("zsr") != 0) throw IoError("cannot start libvips");
    // Loaders that upstream has not hardened against hostile files stay off; the plain PNM one is needed and tiny.
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoadPpm", FALSE);
    // libvips counts libjxl as unhardened; people have such files, and limits on pixels hold for them too.
    vips_operation_block_set("VipsForeignLoadJxl", FALSE);
    vips_operation_block_set("VipsForeignSaveJxl", FALSE);
    vips_cache_set_max(0);
    // With several threads libvips 8.14 now and then loses the error of a decoder whose strip another thread waits for:
    // a truncated JPEG came back whole and partly black. Decoders work on one thread anyway.
    vips_concurrency_set(1);
    // libvips repeats every decoder warning on stderr; what matters arrives as an error instead.
    g_log_set_handler(
        "VIPS", G_LOG_LEVEL_WARNING, [](const char*, GLogLevelFlags, const char*, void*) {}, nullptr);
  });
}

std::string take_vips_error() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  text = text.substr(0, text.find('\n'));
  if (text.find("operation is blocked") != std::string::npos) return "its structure cannot be read";
  return text.empty() ? "unknown error" : text;
}

std::string take_vips_messages() {
  std::string text = vips_error_buffer();
  vips_error_clear();
  return text;
}

std::unique_lock<std::recursive_mutex> lock_vips_messages() {
  start_vips();
  static std::recursive_mutex mutex;
  return std::unique_lock(mutex);
}

ImagePtr image_of(const PixelBuffer& pixels) {
  const bool wide = pixels.bit_depth == 16;
  const bool floating = pixels.bit_depth == 32;
  const ImagePtr memory(vips_image_new_from_memory(pixels.bytes.data(), pixels.bytes.size(),
                                                   static_cast<int>(pixels.width), static_cast<int>(pixels.height),
                                                   pixels.bands,
                                                   floating ? VIPS_FORMAT_FLOAT
                                                   : wide   ? VIPS_FORMAT_USHORT
                                                            : VIPS_FORMAT_UCHAR));
  const VipsInterpretation colour = floating            ? VIPS_INTERPRETATION_scRGB
                                    : pixels.bands <= 2 ? (wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W)
                                                        : (wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB);
  VipsImage* copied = nullptr;
  if (!memory || vips_copy(memory.get(), &copied, "interpretation", colour, nullptr) != 0) return nullptr;
  return ImagePtr(copied);
}

std::string bytes_of(VipsTarget* target) {
  // The bytes are there once the writer has ended the target.
  VipsBlob* blob = nullptr;
  g_object_get(target, "blob", &blob, nullptr);
  if (blob == nullptr) return {};
  size_t size = 0;
  const void* const bytes = vips_blob_get(blob, &size);
  std::string made(static_cast<const char*>(bytes), size);
  vips_area_unref(VIPS_AREA(blob));
  return made;
}

std::string_view vips_blob(VipsImage* image, const char* name) {
  const void* data = nullptr;
  size_t size = 0;
  if (vips_image_get_typeof(image, name) == 0 || vips_image_get_blob(image, name, &data, &size) != 0) return {};
  return {static_cast<const char*>(data), size};
}

}  // namespace zsr
