#include "image/photo.h"

#include "core/error.h"
#include "image/gain_map.h"
#include "image/hdr.h"
#include "image/hdr_file.h"
#include "image/opencv_codec.h"
#include "image/pixel_planes.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace zsr {
namespace {

template <typename Sample>
void interleave(const torch::Tensor& image, float peak, Sample* out) {
  const int64_t bands = image.size(1);
  const int64_t plane = image.size(2) * image.size(3);
  const float* in = image.data_ptr<float>();
  for (int64_t band = 0; band < bands; ++band) {
    for (int64_t i = 0; i < plane; ++i) {
      const float value = std::min(1.0F, std::max(0.0F, in[band * plane + i]));
      out[i * bands + band] = static_cast<Sample>(value * peak + 0.5F);
    }
  }
}

}  // namespace

torch::Tensor planes_of(const PixelBuffer& pixels) {
  const int64_t count = pixels.width * pixels.height * pixels.bands;
  torch::Tensor samples = torch::empty({pixels.height, pixels.width, pixels.bands}, torch::kFloat32);
  float* out = samples.data_ptr<float>();
  if (pixels.bit_depth == 32) {
    std::memcpy(out, pixels.bytes.data(), pixels.bytes.size());
  } else if (pixels.bit_depth == 16) {
    const auto* in = reinterpret_cast<const uint16_t*>(pixels.bytes.data());
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]) / 65535.0F;
  } else {
    const uint8_t* in = pixels.bytes.data();
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]) / 255.0F;
  }
  return samples.permute({2, 0, 1}).unsqueeze(0).contiguous();
}

PixelBuffer pixels_of(const torch::Tensor& image, int bit_depth) {
  const torch::Tensor planes = image.to(torch::kCPU, torch::kFloat32).contiguous();
  PixelBuffer pixels{planes.size(3), planes.size(2), static_cast<int>(planes.size(1)), bit_depth, {}};
  pixels.bytes.resize(static_cast<size_t>(planes.numel()) * (bit_depth / 8));
  if (bit_depth == 16) {
    interleave(planes, 65535.0F, reinterpret_cast<uint16_t*>(pixels.bytes.data()));
  } else {
    interleave(planes, 255.0F, pixels.bytes.data());
  }
  return pixels;
}

void set_planes(Photo& photo, torch::Tensor planes) {
  const int64_t bands = planes.size(1);
  photo.alpha = torch::Tensor();
  if (bands == 2 || bands == 4) {
    photo.alpha = planes.slice(1, bands - 1).clone();
    planes = planes.slice(1, 0, bands - 1).clone();
    // Screenshots and many programs store an alpha channel that says nothing.
    if (photo.alpha.min().item<float>() >= 1.0F) photo.alpha = torch::Tensor();
  }
  photo.color = std::move(planes);
}

namespace {

// What the file's values are in memory: Note [HDR values].
void set_hdr(Photo& photo, const PhotoHeader& header, const std::string& name) {
  photo.range = DynamicRange::kHdr;
  photo.hdr = *header.hdr;
  photo.bit_depth = 16;
  if (photo.color.size(1) == 1) photo.color = photo.color.expand({1, 3, -1, -1}).contiguous();
  if (photo.hdr.transfer == HdrTransfer::kLinear) {
    photo.color = values_of_linear(photo.color, photo.hdr, name, photo.notes);
  } else if (header.narrow_range) {
    const double largest = header.bit_depth == 16 ? 65535.0 / 256.0 : 255.0;  // in codes of 8 bits
    photo.color.mul_(largest).sub_(16.0).div_(219.0).clamp_(0.0, 1.0);
  }
}

}  // namespace

Photo load_photo(const std::filesystem::path& path, const ReadLimits& limits) {
  DecodedPhoto decoded = decode_photo(path, limits);
  Photo photo;
  set_planes(photo, planes_of(decoded.pixels));
  photo.bit_depth = decoded.pixels.bit_depth;
  photo.format = decoded.header.format;
  photo.metadata = std::move(decoded.metadata);
  photo.notes = std::move(decoded.notes);
  photo.gain_map = std::move(decoded.gain_map);
  photo.damage = std::move(decoded.damage);
  if (decoded.header.hdr) set_hdr(photo, decoded.header, path.string());
  return photo;
}

void save_photo(const Photo& photo, const std::filesystem::path& path, const WriteOptions& options) {
  if (!is_writable(options.format, photo.range)) {
    throw OptionError(why_not_writable(options.format, photo.range));
  }
  if (photo.range == DynamicRange::kHdr) {
    save_hdr(photo, path, options);
    return;
  }
  if (photo.alpha.defined() && !holds_alpha(options.format)) {
    throw OptionError(
        fmt::format("'{}': the photo is partly transparent and {} cannot hold that; use .png, .tif or "
                    ".webp",
                    path.string(), to_string(options.format)));
  }
  const int wanted = options.bit_depth == 0 ? photo.bit_depth : options.bit_depth;
  const int bit_depth = std::min(wanted, max_bit_depth(options.format));
  const torch::Tensor image = photo.alpha.defined() ? torch::cat({photo.color, photo.alpha}, 1) : photo.color;
  AtomicFile file(path, options.overwrite);
  if (photo.gain_map != nullptr && options.format == ImageFormat::kJpeg && !options.encode.strip) {
    const std::string first =
        encode_to_memory(pixels_of(image, bit_depth), photo.metadata.get(), options.format, options.encode);
    write_all(file.descriptor(), with_gain_map(first, *photo.gain_map, options.encode.quality), path);
  } else {
    encode_photo(pixels_of(image, bit_depth), photo.metadata.get(), options.format, options.encode, path,
                 file.descriptor());
  }
  file.commit();
}

std::shared_ptr<const GainMap> enlarged_gain_map(const GainMap& map, Size photo, Size result,
                                                 const std::optional<Size>& keep) {
  const auto side = [](int64_t own, int64_t part, int64_t whole) {
    const double wanted = static_cast<double>(own) * static_cast<double>(part) / static_cast<double>(whole);
    return std::max<int64_t>(1, std::llround(wanted));
  };
  const Size size{side(map.pixels.height, result.height, photo.height),
                  side(map.pixels.width, result.width, photo.width)};
  const Scale scale{static_cast<double>(size.height) / static_cast<double>(map.pixels.height),
                    static_cast<double>(size.width) / static_cast<double>(map.pixels.width)};
  torch::Tensor planes = imresize(planes_of(map.pixels), scale, size).clamp_(0.0, 1.0);
  if (keep) {
    const int64_t rows = std::min(size.height, side(size.height, keep->height, result.height));
    const int64_t columns = std::min(size.width, side(size.width, keep->width, result.width));
    planes = planes.narrow(2, (size.height - rows) / 2, rows).narrow(3, (size.width - columns) / 2, columns);
  }
  return std::make_shared<const GainMap>(GainMap{pixels_of(planes, 8), map.xmp, map.iso});
}

void save_animation(const std::vector<torch::Tensor>& frames, const std::filesystem::path& path, int frame_ms,
                    Overwrite overwrite) {
  if (frames.empty()) throw OptionError("an animation needs at least one picture");
  EncodeOptions encode;
  encode.quality = 90;
  encode.sequence.pages = static_cast<int64_t>(frames.size());
  encode.sequence.delays_ms.assign(frames.size(), frame_ms);
  AtomicFile file(path, overwrite);
  encode_photo(pixels_of(torch::cat(frames, 2), 8), nullptr, ImageFormat::kWebp, encode, path, file.descriptor());
  file.commit();
}

std::string encode_webp(const torch::Tensor& image, int quality) {
  EncodeOptions encode;
  encode.quality = quality;
  return encode_to_memory(pixels_of(image, 8), nullptr, ImageFormat::kWebp, encode);
}

std::string encode_png_quickly(const torch::Tensor& image) {
  return encode_png_bytes(pixels_of(image, 8));
}

torch::Tensor quantize(const torch::Tensor& image, int bit_depth) {
  const double peak = bit_depth == 16 ? 65535.0 : 255.0;
  return image.mul(peak).add_(0.5).floor_().clamp_(0.0, peak).div_(peak);
}

torch::Tensor bleed_color(const torch::Tensor& color, const torch::Tensor& alpha) {
  const torch::Tensor visible = alpha.gt(0).to(color.dtype());
  if (visible.min().item<float>() > 0.0F) return color;
  if (color.size(2) == 1 && color.size(3) == 1) return color;
  // Pull: means of the visible pixels at half the size; push: holes take the coarser level's colour.
  const auto halved = [&](const torch::Tensor& plane) {
    const std::array<int64_t, 2> window = {std::min<int64_t>(2, color.size(2)), std::min<int64_t>(2, color.size(3))};
    return torch::avg_pool2d(plane, window, window, /*padding=*/0, /*ceil_mode=*/true, /*count_include_pad=*/false);
  };
  const torch::Tensor weight = halved(visible);
  const torch::Tensor coarse = halved(color * visible) / weight.clamp_min(1e-6);
  const torch::Tensor filled = bleed_color(coarse, weight);
  const torch::Tensor fine = torch::upsample_nearest2d(filled, {color.size(2), color.size(3)});
  return torch::where(visible.gt(0), color, fine);
}

}  // namespace zsr
