#include "image/photo_metadata.h"

#include "core/error.h"
#include "core/files.h"
#include "image/made_metadata.h"
#include "image/matrix_profile.h"
#include "image/png_chunks.h"
#include "image/tiff_directory.h"
#include "image/tiff_exif.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <regex>
#include <string_view>
#include <zlib.h>

namespace zsr {
namespace {

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

// What comes between two marks, with them; nested ones are left.
void erase_between(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    const size_t end = text.find(to, at + from.size());
    if (end == std::string::npos) return;
    text.erase(at, end + to.size() - at);
  }
}

// Of what described a gain map that the result does not have, and of faces that were elsewhere before the photo was
// turned.
std::string without_stale_parts(std::string xmp, bool turned) {
  if (xmp.find("hdrgm:") != std::string::npos) {
    static const std::regex attributes("\\s+hdrgm:[A-Za-z]+\\s*=\\s*(\"[^\"]*\"|'[^']*')");
    xmp = std::regex_replace(xmp, attributes, "");
    erase_between(xmp, "<hdrgm:Version>", "</hdrgm:Version>");
    erase_between(xmp, "<Container:Directory>", "</Container:Directory>");
  }
  if (turned) erase_between(xmp, "<mwg-rs:Regions", "</mwg-rs:Regions>");
  return xmp;
}

// The thumbnail of the photo that the block holds is one of other pixels.
void drop_thumbnail(VipsImage* image) {
  std::string block(vips_blob(image, VIPS_META_EXIF_NAME));
  if (block.empty()) return;
  const bool marked = block.compare(0, 6, std::string("Exif\0\0", 6)) == 0;
  remove_later_tiff_directories(block, marked ? 6 : 0);
  vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, block.data(), block.size());
  // Setting a block makes libvips read it again: the fields of the first one still describe the thumbnail.
  vips_image_remove(image, "jpeg-thumbnail-data");
  gchar** fields = vips_image_get_fields(image);
  for (gchar** field = fields; *field != nullptr; ++field) {
    if (std::string_view(*field).substr(0, 10) == "exif-ifd1-") vips_image_remove(image, *field);
  }
  g_strfreev(fields);
}

void fix_blobs(VipsImage* image, int width, int height, bool gray, bool turned) {
  const void* data = nullptr;
  size_t size = 0;
  if (vips_image_get_typeof(image, VIPS_META_XMP_NAME) != 0 &&
      vips_image_get_blob(image, VIPS_META_XMP_NAME, &data, &size) == 0 && size < (10U << 20U)) {
    const std::string whole(static_cast<const char*>(data), size);
    const std::string xmp = corrected_xmp(without_stale_parts(whole, turned), width, height);
    vips_image_set_blob_copy(image, VIPS_META_XMP_NAME, xmp.data(), xmp.size());
  }
  if (vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 &&
      vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &size) == 0 && !profile_fits(data, size, gray)) {
    vips_image_remove(image, VIPS_META_ICC_NAME);
  }
}

// Formats count in whole numbers. Where the source does not say the unit, one in which the number is whole is taken.
void prefer_inches(VipsImage* image, const Resolution& resolution) {
  if (vips_image_get_typeof(image, VIPS_META_RESOLUTION_UNIT) != 0) return;
  const double per_inch = resolution.x * 25.4;
  constexpr double kNearlyWhole = 0.02;
  if (std::abs(per_inch - std::round(per_inch)) < kNearlyWhole) {
    vips_image_set_string(image, VIPS_META_RESOLUTION_UNIT, "in");
  }
}

// EXIF repeats the resolution, and readers may prefer what stands there.
void drop_exif_resolution(VipsImage* image) {
  std::string block(vips_blob(image, VIPS_META_EXIF_NAME));
  if (!block.empty()) {
    constexpr uint16_t kXResolution = 282;
    constexpr uint16_t kYResolution = 283;
    constexpr uint16_t kResolutionUnit = 296;
    const bool marked = block.compare(0, 6, std::string("Exif\0\0", 6)) == 0;
    remove_tiff_fields(block, marked ? 6 : 0, {kXResolution, kYResolution, kResolutionUnit});
    vips_image_set_blob_copy(image, VIPS_META_EXIF_NAME, block.data(), block.size());
  }
  for (const char* const field : {"exif-ifd0-XResolution", "exif-ifd0-YResolution", "exif-ifd0-ResolutionUnit"}) {
    vips_image_remove(image, field);
  }
  vips_image_set_string(image, VIPS_META_RESOLUTION_UNIT, "in");
}

// One more owner of the image.
ImagePtr another(const ImagePtr& image) {
  if (!image) return nullptr;
  g_object_ref(image.get());
  return ImagePtr(image.get());
}

}  // namespace

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

std::shared_ptr<const PhotoMetadata> made_metadata(std::string_view exif, std::string_view profile) {
  const auto lock = lock_vips_messages();
  VipsImage* carrier = nullptr;
  if (vips_black(&carrier, 1, 1, nullptr) != 0) return nullptr;
  ImagePtr header(carrier);
  if (!exif.empty()) import_exif(header.get(), std::string("Exif\0\0", 6) + std::string(exif));
  if (!profile.empty()) vips_image_set_blob_copy(header.get(), VIPS_META_ICC_NAME, profile.data(), profile.size());
  return std::make_shared<PhotoMetadata>(std::move(header), Resolution{});
}

std::shared_ptr<const PhotoMetadata> PhotoMetadata::with_color(std::string_view profile, std::string color) const {
  const auto lock = lock_vips_messages();
  VipsImage* copy = nullptr;
  const int failed = header_ ? vips_copy(header_.get(), &copy, nullptr) : vips_black(&copy, 1, 1, nullptr);
  if (failed != 0) throw IoError(fmt::format("cannot carry metadata over: {}", take_vips_error()));
  ImagePtr header(copy);
  if (profile.empty()) {
    vips_image_remove(copy, VIPS_META_ICC_NAME);
  } else {
    vips_image_set_blob_copy(copy, VIPS_META_ICC_NAME, profile.data(), profile.size());
  }
  for (const PngChunk& chunk : png_chunks_in(png_chunks_)) {
    const bool about_color =
        chunk.type == "gAMA" || chunk.type == "cHRM" || chunk.type == "cICP" || chunk.type == "sRGB";
    if (!about_color) color += chunk.whole;
  }
  return std::make_shared<PhotoMetadata>(std::move(header), resolution_, std::move(color), stated_);
}

std::shared_ptr<const PhotoMetadata> hdr_metadata(const PhotoMetadata* metadata, ImageFormat format,
                                                  const HdrCoding& coding) {
  const PhotoMetadata nothing(nullptr, {});
  const PhotoMetadata& given = metadata != nullptr ? *metadata : nothing;
  if (format != ImageFormat::kPng) return given.with_color(hdr_profile(coding), {});
  // PNG specification, third edition, 11.3.2.6: primaries, transfer, matrix (0: RGB), full range.
  const std::string named = std::string("cICP") + static_cast<char>(code_of_primaries(coding.primaries).value_or(9)) +
                            static_cast<char>(code_of_transfer(coding.transfer)) + '\0' + '\x01';
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(named.data()), static_cast<uInt>(named.size()));
  std::string chunk = std::string("\0\0\0\x04", 4) + named;
  for (unsigned shift = 32; shift > 0; shift -= 8) chunk += static_cast<char>((sum >> (shift - 8)) & 0xFFU);
  return given.with_color({}, chunk);
}

std::string_view PhotoMetadata::profile(bool gray) const {
  const std::string_view blob = header_ ? vips_blob(header_.get(), VIPS_META_ICC_NAME) : std::string_view();
  return profile_fits(blob.data(), blob.size(), gray) ? blob : std::string_view();
}

std::shared_ptr<const PhotoMetadata> PhotoMetadata::without_png_chunks() const {
  return std::make_shared<PhotoMetadata>(another(header_), resolution_, std::string(), stated_);
}

std::shared_ptr<const PhotoMetadata> PhotoMetadata::with_resolution(const Resolution& resolution) const {
  return std::make_shared<PhotoMetadata>(another(header_), resolution, png_chunks_, true);
}

void PhotoMetadata::apply_to(VipsImage* image, bool gray) const {
  const int width = vips_image_get_width(image);
  const int height = vips_image_get_height(image);
  // An unknown resolution is taken out of the encoded file again; see `encode_photo`.
  image->Xres = resolution_.known() ? resolution_.x : 1.0;
  image->Yres = resolution_.known() ? resolution_.y : 1.0;
  if (!header_) return;
  const auto lock = lock_vips_messages();
  gchar** fields = vips_image_get_fields(header_.get());
  for (gchar** field = fields; *field != nullptr; ++field) {
    const std::string name = *field;
    const bool wanted = name.rfind("exif-", 0) == 0 || name == VIPS_META_XMP_NAME || name == VIPS_META_IPTC_NAME ||
                        name == VIPS_META_ICC_NAME || name == VIPS_META_IMAGEDESCRIPTION ||
                        name == VIPS_META_RESOLUTION_UNIT;
    // The thumbnail shows the old pixels and IFD1 describes only it.
    if (!wanted || name.rfind("exif-ifd1-", 0) == 0) continue;
    GValue value = G_VALUE_INIT;
    if (vips_image_get(header_.get(), name.c_str(), &value) != 0) continue;
    vips_image_set(image, name.c_str(), &value);
    g_value_unset(&value);
  }
  g_strfreev(fields);
  drop_thumbnail(image);
  // After the EXIF block was set for the last time, because libvips reads the orientation from it.
  vips_autorot_remove_angle(image);
  if (stated_) {
    drop_exif_resolution(image);
    // Setting the block made libvips read the resolution from it.
    image->Xres = resolution_.x;
    image->Yres = resolution_.y;
  }
  prefer_inches(image, resolution_);
  fix_blobs(image, width, height, gray, vips_image_get_orientation(header_.get()) > 1);
  vips_error_clear();
}

}  // namespace zsr
