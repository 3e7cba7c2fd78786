#include "image/opencv_codec.h"

#include "core/error.h"
#include "core/files.h"
#include "image/damaged_photo.h"
#include "image/resolution.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>

namespace zsr {
namespace {

int32_t little_endian32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  return static_cast<int32_t>(value);
}

bool is_gray(const cv::Mat& bgr) {
  for (int y = 0; y < bgr.rows; ++y) {
    const auto* row = bgr.ptr<cv::Vec3b>(y);
    for (int x = 0; x < bgr.cols; ++x) {
      if (row[x][0] != row[x][1] || row[x][1] != row[x][2]) return false;
    }
  }
  return true;
}

}  // namespace

PhotoHeader read_bmp_header(const std::filesystem::path& path) {
  std::ifstream file(readable_path(path), std::ios::binary);
  char bytes[30] = {};
  if (!file.read(bytes, sizeof(bytes))) throw InputError(fmt::format("photo '{}' is cut off", path.string()));
  PhotoHeader header;
  header.format = ImageFormat::kBmp;
  const int32_t info_size = little_endian32(bytes + 14);
  int bits = 0;
  if (info_size == 12) {  // the OS/2 header has 16-bit sizes
    header.width = static_cast<unsigned char>(bytes[18]) | (static_cast<unsigned char>(bytes[19]) << 8);
    header.height = static_cast<unsigned char>(bytes[20]) | (static_cast<unsigned char>(bytes[21]) << 8);
    bits = static_cast<unsigned char>(bytes[24]);
  } else {
    header.width = little_endian32(bytes + 18);
    header.height = std::abs(static_cast<int64_t>(little_endian32(bytes + 22)));  // negative: rows from the top
    bits = static_cast<unsigned char>(bytes[28]);
  }
  if (header.width <= 0 || header.height <= 0) {
    throw DamagedPhoto(
        fmt::format("photo '{}' is damaged: its header says {}x{}", path.string(), header.width, header.height));
  }
  header.bands = bits == 32 ? 4 : 3;
  header.resolution = read_resolution(readable_path(path), ImageFormat::kBmp, {});
  return header;
}

PixelBuffer decode_bmp(const std::filesystem::path& path) {
  const std::string bytes = read_file(readable_path(path), size_t{4} << 30U);
  const cv::Mat raw(1, static_cast<int>(bytes.size()), CV_8U, const_cast<char*>(bytes.data()));
  cv::Mat image;
  try {
    image = cv::imdecode(raw, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception& error) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged: {}", path.string(), error.err));
  }
  if (image.empty() || image.depth() != CV_8U) {
    throw DamagedPhoto(fmt::format("photo '{}' is damaged, cut off or of an unsupported BMP kind", path.string()));
  }
  if (image.channels() == 3) {
    // A gray photo is stored as a palette of grays; the decoder expands it.
    cv::cvtColor(image, image, is_gray(image) ? cv::COLOR_BGR2GRAY : cv::COLOR_BGR2RGB);
  } else if (image.channels() == 4) {
    cv::Mat alpha;
    cv::extractChannel(image, alpha, 3);
    // Many writers leave the fourth byte of 32-bit BMP unused; all zero means "no alpha", not "invisible".
    cv::cvtColor(image, image, cv::countNonZero(alpha) == 0 ? cv::COLOR_BGRA2RGB : cv::COLOR_BGRA2RGBA);
  }
  PixelBuffer pixels{image.cols, image.rows, image.channels(), 8, {}};
  pixels.bytes.assign(image.datastart, image.dataend);
  return pixels;
}

void encode_bmp(const PixelBuffer& pixels, const Resolution& resolution, const std::filesystem::path& target,
                int descriptor) {
  if (pixels.bands != 1 && pixels.bands != 3) throw OptionError("BMP holds gray and RGB only");
  const cv::Mat view(static_cast<int>(pixels.height), static_cast<int>(pixels.width), CV_8UC(pixels.bands),
                     const_cast<uint8_t*>(pixels.bytes.data()));
  cv::Mat image = view;
  if (pixels.bands == 3) cv::cvtColor(view, image, cv::COLOR_RGB2BGR);
  std::vector<uchar> encoded;
  if (!cv::imencode(".bmp", image, encoded)) throw IoError(fmt::format("cannot encode '{}' as BMP", target.string()));
  // Pixels per metre, 32 bits each, little-endian.
  constexpr size_t kResolutionAt = 38;
  const std::array<double, 2> per_mm{resolution.x, resolution.y};
  for (size_t i = 0; i < 8 && kResolutionAt + 8 <= encoded.size(); ++i) {
    const double per_meter = resolution.known() ? std::round(per_mm[i / 4] * 1000.0) : 0.0;
    encoded[kResolutionAt + i] = static_cast<uchar>(static_cast<uint32_t>(per_meter) >> (8 * (i % 4)) & 0xFFU);
  }
  write_all(descriptor, {reinterpret_cast<const char*>(encoded.data()), encoded.size()}, target);
}

std::string encode_png_bytes(const PixelBuffer& pixels) {
  const int type = pixels.bands == 3 ? CV_8UC3 : CV_8UC1;
  const cv::Mat samples(static_cast<int>(pixels.height), static_cast<int>(pixels.width), type,
                        const_cast<uint8_t*>(pixels.bytes.data()));
  cv::Mat ordered = samples;
  if (pixels.bands == 3) cv::cvtColor(samples, ordered, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> file;
  cv::imencode(".png", ordered, file,
               {cv::IMWRITE_PNG_COMPRESSION, 1, cv::IMWRITE_PNG_STRATEGY, cv::IMWRITE_PNG_STRATEGY_RLE});
  return {file.begin(), file.end()};
}

}  // namespace zsr
