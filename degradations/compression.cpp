#include "degradations/compression.h"

#include "core/error.h"
#include "image/byte_planes.h"

#include <fmt/format.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <algorithm>
#include <vector>

namespace zsr {
namespace {

// [1, C, H, W] floats as OpenCV's interleaved blue, green, red bytes. By planes first: those loops become vectors.
cv::Mat to_bytes(const torch::Tensor& image) {
  const torch::Tensor planes = image.contiguous();
  const int64_t count = planes.size(2) * planes.size(3);
  std::vector<cv::Mat> channels;
  for (int64_t c = planes.size(1) - 1; c >= 0; --c) {
    const float* const in = planes.data_ptr<float>() + c * count;
    cv::Mat& plane = channels.emplace_back(static_cast<int>(planes.size(2)), static_cast<int>(planes.size(3)), CV_8UC1);
    floats_to_bytes(in, plane.data, count);
  }
  if (channels.size() == 1) return channels[0];
  cv::Mat bytes;
  cv::merge(channels, bytes);
  return bytes;
}

torch::Tensor from_bytes(const cv::Mat& bytes) {
  std::vector<cv::Mat> channels;
  cv::split(bytes, channels);
  const int64_t count = static_cast<int64_t>(bytes.rows) * bytes.cols;
  const auto last = static_cast<int64_t>(channels.size()) - 1;
  torch::Tensor image = torch::empty({1, last + 1, bytes.rows, bytes.cols}, torch::kFloat32);
  for (int64_t c = 0; c <= last; ++c) {
    bytes_to_floats(channels[static_cast<size_t>(last - c)].data, image.data_ptr<float>() + c * count, count);
  }
  return image;
}

torch::Tensor round_trip(const torch::Tensor& image, const char* extension, int flag, int64_t quality) {
  if (quality < 1 || quality > 100) {
    throw OptionError(fmt::format("compression quality = {}, must be 1 to 100", quality));
  }
  std::vector<uint8_t> file;
  cv::imencode(extension, to_bytes(image), file, {flag, static_cast<int>(quality)});
  return from_bytes(cv::imdecode(file, image.size(1) == 3 ? cv::IMREAD_COLOR : cv::IMREAD_GRAYSCALE));
}

}  // namespace

torch::Tensor jpeg_round_trip(const torch::Tensor& image, int64_t quality) {
  return round_trip(image, ".jpg", cv::IMWRITE_JPEG_QUALITY, quality);
}

torch::Tensor webp_round_trip(const torch::Tensor& image, int64_t quality) {
  return round_trip(image, ".webp", cv::IMWRITE_WEBP_QUALITY, quality);
}

torch::Tensor opencv_resize(const torch::Tensor& image, int64_t height, int64_t width, OpenCvResize method) {
  if (height < 1 || width < 1 || height > 1 << 20 || width > 1 << 20) {
    throw OptionError(fmt::format("cannot resize to {}x{} pixels", width, height));
  }
  const torch::Tensor source = image.contiguous();
  torch::Tensor result = torch::empty({1, image.size(1), height, width}, torch::kFloat32);
  const int interpolation = method == OpenCvResize::kArea    ? cv::INTER_AREA
                            : method == OpenCvResize::kCubic ? cv::INTER_CUBIC
                                                             : cv::INTER_LINEAR;
  for (int64_t channel = 0; channel < image.size(1); ++channel) {
    const cv::Mat in(static_cast<int>(image.size(2)), static_cast<int>(image.size(3)), CV_32FC1,
                     source.data_ptr<float>() + channel * image.size(2) * image.size(3));
    cv::Mat out(static_cast<int>(height), static_cast<int>(width), CV_32FC1,
                result.data_ptr<float>() + channel * height * width);
    cv::resize(in, out, out.size(), 0.0, 0.0, interpolation);
  }
  return result;
}

}  // namespace zsr
