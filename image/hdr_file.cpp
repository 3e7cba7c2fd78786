#include "image/hdr_file.h"

#include "core/files.h"
#include "image/color_profile.h"
#include "image/exr_file.h"
#include "image/hdr.h"
#include "image/heif_hdr.h"
#include "image/made_metadata.h"
#include "image/photo_metadata.h"
#include "image/pixel_planes.h"
#include "image/png_color.h"

#include <torch/types.h>

#include <array>
#include <cstring>

namespace zsr {
namespace {

// [1, 1, H, W] in [0, 1] as whole numbers.
std::vector<uint16_t> whole_numbers(const torch::Tensor& plane, int bit_depth) {
  const auto peak = static_cast<double>((1 << bit_depth) - 1);
  const torch::Tensor rounded =
      (plane * peak + 0.5).floor().clamp(0.0, peak).to(torch::kCPU, torch::kInt32).contiguous();
  const int32_t* const first = rounded.data_ptr<int32_t>();
  return {first, first + rounded.numel()};
}

torch::Tensor halved(const torch::Tensor& plane) {
  return torch::avg_pool2d(plane, {2, 2}, {2, 2}, /*padding=*/0, /*ceil_mode=*/true, /*count_include_pad=*/false);
}

// The data of the APP1 segment of a JPEG file that begins with `name`, without that name; empty: there is none.
std::string segment_of(const std::string& jpeg, const std::string& name) {
  constexpr size_t kHead = 4;  // marker and length
  for (size_t at = 2; at + kHead <= jpeg.size();) {
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(jpeg[at + i])); };
    if (byte(0) != 0xFF || byte(1) == 0xDA) break;  // pixels begin
    const size_t length = byte(2) << 8U | byte(3);
    if (length < 2 || at + 2 + length > jpeg.size()) break;
    if (byte(1) == 0xE1 && jpeg.compare(at + kHead, name.size(), name) == 0 && length >= 2 + name.size()) {
      return jpeg.substr(at + kHead + name.size(), length - 2 - name.size());
    }
    at += 2 + length;
  }
  return {};
}

// EXIF and XMP with their sizes and orientation corrected, as a black JPEG of that size would carry them.
HeifTexts texts_of(const Photo& photo, const EncodeOptions& options) {
  if (photo.metadata == nullptr || options.strip) return {};
  PixelBuffer black{photo.color.size(3), photo.color.size(2), 1, 8, {}};
  black.bytes.resize(static_cast<size_t>(black.width * black.height));
  const auto metadata = hdr_metadata(photo.metadata.get(), ImageFormat::kPng, {});  // without a profile
  const std::string jpeg = encode_to_memory(black, metadata.get(), ImageFormat::kJpeg, {.quality = 1});
  return {segment_of(jpeg, std::string("Exif\0\0", 6)),
          segment_of(jpeg, std::string("http://ns.adobe.com/xap/1.0/") + '\0')};
}

std::string heif_of(const Photo& photo, ImageFormat format, const HdrCoding& coding, const EncodeOptions& options) {
  const int bit_depth = coding.bits;
  const int quality = options.quality;
  constexpr int kLossless = 100;
  CodePlanes codes;
  codes.width = photo.color.size(3);
  codes.height = photo.color.size(2);
  codes.bit_depth = bit_depth;
  codes.primaries = code_of_primaries(coding.primaries).value_or(9);
  codes.transfer = code_of_transfer(coding.transfer);
  // Phones decode HEIC with halved colour only.
  codes.half_color = format == ImageFormat::kHeif && quality < kLossless;
  const auto planes = hdr_ycbcr(recoded(photo.color, photo.hdr, coding)).split(1, 1);
  codes.planes[0] = whole_numbers(planes[0], bit_depth);
  // Zero colour has a code of its own: half of 2^n, not of 2^n - 1 (ITU-T H.273, equation 31).
  const auto levels = static_cast<double>(1 << bit_depth);
  const double zero = 0.5 * levels / (levels - 1.0);
  for (size_t i = 1; i <= 2; ++i) {
    const torch::Tensor plane = planes[i] + zero;
    codes.planes[i] = whole_numbers(codes.half_color ? halved(plane) : plane, bit_depth);
  }
  if (photo.alpha.defined()) codes.planes[3] = whole_numbers(photo.alpha, bit_depth);
  return encode_heif(codes, format, quality, texts_of(photo, options));
}

// Linear values, as planes.
torch::Tensor linear_planes(const Photo& photo, const HdrCoding& coding, bool times_alpha) {
  torch::Tensor light = recoded(photo.color, photo.hdr, coding);
  if (!photo.alpha.defined()) return light;
  return torch::cat({times_alpha ? light * photo.alpha : light, photo.alpha.to(light.dtype())}, 1);
}

std::string exr_of(const Photo& photo, const HdrCoding& coding) {
  const torch::Tensor planes = linear_planes(photo, coding, true).to(torch::kCPU, torch::kFloat32).contiguous();
  return encode_exr(planes.data_ptr<float>(), static_cast<int>(planes.size(1)), planes.size(3), planes.size(2), coding);
}

PixelBuffer float_pixels(const torch::Tensor& planes) {
  const torch::Tensor rows = planes[0].permute({1, 2, 0}).contiguous();
  PixelBuffer pixels{planes.size(3), planes.size(2), static_cast<int>(planes.size(1)), 32, {}};
  pixels.bytes.resize(static_cast<size_t>(rows.numel()) * sizeof(float));
  std::memcpy(pixels.bytes.data(), rows.data_ptr<float>(), pixels.bytes.size());
  return pixels;
}

// PNG and TIFF.
void write_by_vips(const Photo& photo, const HdrCoding& coding, const WriteOptions& options, int bit_depth,
                   const std::filesystem::path& path, int descriptor) {
  const bool strip = options.encode.strip;
  const auto metadata = hdr_metadata(strip ? nullptr : photo.metadata.get(), options.format, coding);
  EncodeOptions encode = options.encode;
  encode.strip = false;  // without its profile or chunk the file would be taken for sRGB
  if (coding.transfer == HdrTransfer::kLinear) {
    encode_photo(float_pixels(linear_planes(photo, coding, false)), metadata.get(), options.format, encode, path,
                 descriptor);
    return;
  }
  torch::Tensor image = recoded(photo.color, photo.hdr, coding);
  if (photo.alpha.defined()) image = torch::cat({image, photo.alpha}, 1);
  encode_photo(pixels_of(image, bit_depth), metadata.get(), options.format, encode, path, descriptor);
}

}  // namespace

void save_hdr(const Photo& photo, const std::filesystem::path& path, const WriteOptions& options) {
  HdrCoding coding = coding_in(options.format, photo.hdr);
  coding.bits = hdr_bit_depth(options.format, options.bit_depth, photo.hdr);
  AtomicFile file(path, options.overwrite);
  if (options.format == ImageFormat::kPng || options.format == ImageFormat::kTiff) {
    write_by_vips(photo, coding, options, coding.bits, path, file.descriptor());
  } else {
    const bool exr = options.format == ImageFormat::kExr;
    write_all(file.descriptor(), exr ? exr_of(photo, coding) : heif_of(photo, options.format, coding, options.encode),
              path);
  }
  file.commit();
}

void make_srgb(Photo& photo) {
  if (photo.metadata == nullptr) return;
  const PixelBuffer pixels = pixels_of(photo.color, 16);
  if (const auto made = converted_to_srgb(pixels, photo.metadata->profile(photo.color.size(1) == 1))) {
    photo.color = planes_of(*made);
  } else if (const auto color = png_color(photo.metadata->png_chunks())) {
    photo.color = planes_of(converted_to_srgb(pixels, *color));
  }
}

}  // namespace zsr
