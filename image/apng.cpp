#include "image/apng.h"

#include "core/error.h"
#include "core/files.h"
#include "image/damaged_photo.h"
#include "image/pixel_planes.h"
#include "image/png_chunks.h"
#include "image/vips_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string_view>
#include <zlib.h>

namespace zsr {
namespace {

constexpr size_t kHeaderData = 13;
constexpr size_t kFrameControl = 26;
constexpr size_t kLargestFile = size_t{2} << 30U;

void append_number(std::string& out, uint32_t value, size_t size) {
  for (size_t i = size; i-- > 0;) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

std::string chunk(std::string_view type, std::string_view data) {
  std::string whole;
  append_number(whole, static_cast<uint32_t>(data.size()), 4);
  whole += type;
  whole += data;
  const auto* bytes = reinterpret_cast<const Bytef*>(whole.data());
  append_number(whole, static_cast<uint32_t>(crc32(0, bytes + 4, static_cast<uInt>(whole.size() - 4))), 4);
  return whole;
}

// Whether the chunk's checksum is right.
bool is_sound(const PngChunk& part) {
  const auto* bytes = reinterpret_cast<const Bytef*>(part.type.data());
  const uLong sum = crc32(0, bytes, static_cast<uInt>(part.data.size() + 4));
  return big_endian_number(part.whole, part.whole.size() - 4, 4) == static_cast<uint32_t>(sum);
}

// Those of a whole file.
std::vector<PngChunk> chunks_of(std::string_view png) {
  return png_chunks_in(png.substr(std::min(kPngSignature, png.size())));
}

int delay_of(std::string_view control) {
  const double above = big_endian_number(control, 20, 2);
  const double below = big_endian_number(control, 22, 2);
  constexpr double kHundredths = 100.0;
  return static_cast<int>(std::lround(1000.0 * above / (below == 0.0 ? kHundredths : below)));
}

}  // namespace

std::optional<Sequence> apng_sequence(const std::filesystem::path& path) {
  // Only heads of chunks are read, not pixels.
  std::ifstream file(readable_path(path), std::ios::binary);
  Sequence sequence;
  int64_t wanted = 0;
  std::string head(8, '\0');
  file.seekg(kPngSignature);
  while (file.read(head.data(), 8)) {
    const size_t size = big_endian_number(head, 0, 4);
    const std::string type = head.substr(4);
    if (type == "IDAT" && wanted == 0) return std::nullopt;
    std::string data;
    if ((type == "acTL" && size == 8) || (type == "fcTL" && size == kFrameControl)) {
      data.resize(size);
      if (!file.read(data.data(), static_cast<std::streamsize>(size))) break;
      file.seekg(4, std::ios::cur);
    } else {
      file.seekg(static_cast<std::streamoff>(size + 4), std::ios::cur);
    }
    if (type == "acTL" && !data.empty()) {
      wanted = big_endian_number(data, 0, 4);
      sequence.loops = static_cast<int>(std::min<uint32_t>(big_endian_number(data, 4, 4), INT32_MAX));
    } else if (!data.empty()) {
      sequence.delays_ms.push_back(delay_of(data));
    }
    if (type == "IEND") break;
  }
  if (sequence.delays_ms.empty()) return std::nullopt;
  sequence.pages = static_cast<int64_t>(sequence.delays_ms.size());
  return sequence;
}

ApngPlayer::ApngPlayer(const std::filesystem::path& path) : name_(path.string()) {
  const std::string bytes = read_file(readable_path(path), kLargestFile);
  for (const PngChunk& part : chunks_of(bytes)) {
    if (!is_sound(part)) {
      throw DamagedPhoto(fmt::format("photo '{}' is damaged: wrong checksum of its {} chunk", name_, part.type));
    }
    if (part.type == "IHDR" && part.data.size() == kHeaderData) {
      header_ = part.data;
      width_ = big_endian_number(header_, 0, 4);
      height_ = big_endian_number(header_, 4, 4);
      const auto color = static_cast<unsigned char>(header_[9]);
      gray_ = color == 0 || color == 4;
    } else if (part.type == "PLTE" || part.type == "tRNS") {
      palette_ += part.whole;
    } else if (part.type == "fcTL" && part.data.size() == kFrameControl) {
      Frame frame;
      frame.width = big_endian_number(part.data, 4, 4);
      frame.height = big_endian_number(part.data, 8, 4);
      frame.left = big_endian_number(part.data, 12, 4);
      frame.top = big_endian_number(part.data, 16, 4);
      frame.disposal = static_cast<unsigned char>(part.data[24]);
      frame.blended = part.data[25] != 0;
      frames_.push_back(frame);
    } else if (part.type == "IDAT" && !frames_.empty()) {
      // Without a frame control before it, that picture is only for viewers that know no animation.
      frames_.back().data += part.data;
    } else if (part.type == "fdAT" && part.data.size() > 4 && !frames_.empty()) {
      frames_.back().data += part.data.substr(4);
    }
  }
  const auto fits = [&](const Frame& frame) {
    return frame.width > 0 && frame.height > 0 && frame.left + frame.width <= width_ &&
           frame.top + frame.height <= height_;
  };
  if (header_.empty() || frames_.empty() || !std::all_of(frames_.begin(), frames_.end(), fits)) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged: its animation has no sound frames", name_));
  }
}

torch::Tensor ApngPlayer::frame(int64_t index) {
  if (index < drawn_ - 1 || !canvas_.defined()) {
    canvas_ = torch::zeros({1, 4, height_, width_});
    drawn_ = 0;
  }
  while (drawn_ <= index) draw(frames_.at(static_cast<size_t>(drawn_++)));
  if (!gray_) return shown_.clone();
  return torch::cat({shown_.slice(1, 0, 1), shown_.slice(1, 3)}, 1);
}

void ApngPlayer::draw(const Frame& frame) {
  std::string header = header_;
  std::string size;
  append_number(size, static_cast<uint32_t>(frame.width), 4);
  append_number(size, static_cast<uint32_t>(frame.height), 4);
  header.replace(0, size.size(), size);
  const std::string png =
      "\x89PNG\r\n\x1A\n" + chunk("IHDR", header) + palette_ + chunk("IDAT", frame.data) + chunk("IEND", {});
  PixelBuffer pixels;
  {
    const auto lock = lock_vips_messages();
    const ImagePtr image(
        vips_image_new_from_buffer(png.data(), png.size(), "", "fail_on", VIPS_FAIL_ON_ERROR, nullptr));
    size_t bytes = 0;
    void* const memory = image ? vips_image_write_to_memory(image.get(), &bytes) : nullptr;
    if (memory == nullptr) {
      throw DamagedPhoto(
          fmt::format("photo '{}' is damaged: a frame of it cannot be decoded: {}", name_, take_vips_error()));
    }
    const bool wide = vips_image_get_format(image.get()) == VIPS_FORMAT_USHORT;
    pixels = {frame.width, frame.height, vips_image_get_bands(image.get()), wide ? 16 : 8,
              std::vector<uint8_t>(static_cast<uint8_t*>(memory), static_cast<uint8_t*>(memory) + bytes)};
    g_free(memory);
  }
  torch::Tensor source = planes_of(pixels);
  const bool opaque = pixels.bands % 2 == 1;
  const torch::Tensor alpha = opaque ? torch::ones_like(source.slice(1, 0, 1)) : source.slice(1, pixels.bands - 1);
  torch::Tensor color = opaque ? source : source.slice(1, 0, pixels.bands - 1);
  if (color.size(1) == 1) color = color.expand({1, 3, -1, -1});
  source = torch::cat({color, alpha}, 1);

  const auto place_in = [&](const torch::Tensor& image) {
    return image.slice(2, frame.top, frame.top + frame.height).slice(3, frame.left, frame.left + frame.width);
  };
  shown_ = canvas_.clone();
  if (frame.blended) {
    const torch::Tensor below = place_in(canvas_);
    const torch::Tensor rest = below.slice(1, 3) * (1.0 - alpha);
    const torch::Tensor made = alpha + rest;
    const torch::Tensor mixed = (color * alpha + below.slice(1, 0, 3) * rest) / made.clamp_min(1e-6);
    source = torch::cat({mixed, made}, 1);
  }
  place_in(shown_).copy_(source);
  constexpr int kCleared = 1;
  constexpr int kAsBefore = 2;
  if (frame.disposal == kAsBefore && drawn_ > 1) return;
  canvas_ = shown_.clone();
  if (frame.disposal == kCleared || frame.disposal == kAsBefore) place_in(canvas_).zero_();
}

std::string encode_apng(const std::vector<std::string>& frames, const Sequence& sequence) {
  std::string out = frames.at(0).substr(0, kPngSignature);
  uint32_t number = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    bool controlled = false;
    for (const PngChunk& part : chunks_of(frames[i])) {
      if (part.type == "IEND") continue;
      const bool pixels = part.type == "IDAT";
      if (pixels && !controlled) {
        std::string control;
        append_number(control, number++, 4);
        control += chunks_of(frames[i])[0].data.substr(0, 8);  // width and height
        append_number(control, 0, 4);
        append_number(control, 0, 4);
        append_number(control, static_cast<uint32_t>(std::clamp(sequence.delays_ms.at(i), 0, UINT16_MAX)), 2);
        append_number(control, 1000, 2);
        append_number(control, 0, 2);  // stays, replaces
        out += chunk("fcTL", control);
        controlled = true;
      }
      if (i == 0) {
        out += part.whole;
      } else if (pixels) {
        std::string data;
        append_number(data, number++, 4);
        data += part.data;
        out += chunk("fdAT", data);
      }
      if (i == 0 && part.type == "IHDR") {
        std::string animation;
        append_number(animation, static_cast<uint32_t>(frames.size()), 4);
        append_number(animation, static_cast<uint32_t>(std::max(0, sequence.loops)), 4);
        out += chunk("acTL", animation);
      }
    }
  }
  return out + chunk("IEND", {});
}

}  // namespace zsr
