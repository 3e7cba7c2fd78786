#include "dip/scratches.h"

#include "core/error.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr::dip {
namespace {

constexpr float kLeastContrast = 0.06F;  // of a scratch against what it crosses, 1 = white
constexpr double kTexture = 3.5;         // a scratch stands out by that much against the mean of such details around it
constexpr int kNeighbourhood = 41;       // pixels over which that mean is taken
constexpr double kThinness = 4.0;        // length over width of a scratch
constexpr int kMargin = 2;

cv::Mat luma_of(const torch::Tensor& photo) {
  const torch::Tensor gray = photo[0].mean(0).to(torch::kCPU).to(torch::kFloat32).contiguous();
  return cv::Mat(static_cast<int>(gray.size(0)), static_cast<int>(gray.size(1)), CV_32F, gray.data_ptr<float>())
      .clone();
}

// How much each pixel stands out of what is wider than `widest`, brighter or darker.
cv::Mat thin_details(const cv::Mat& gray, int widest) {
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * widest + 1, 2 * widest + 1});
  cv::Mat bright;
  cv::Mat dark;
  cv::morphologyEx(gray, bright, cv::MORPH_TOPHAT, element, {-1, -1}, 1, cv::BORDER_REFLECT);
  cv::morphologyEx(gray, dark, cv::MORPH_BLACKHAT, element, {-1, -1}, 1, cv::BORDER_REFLECT);
  return cv::max(bright, dark);
}

// Whether what hangs together there looks like a scratch or like dust.
bool is_damage(const std::vector<cv::Point>& pixels, int widest, int shortest, double contrast, double lone_contrast) {
  const cv::RotatedRect box = cv::minAreaRect(pixels);
  const double length = std::max(box.size.width, box.size.height) + 1.0;
  // Bent scratches fill little of their box: the area over the length is their width all the same.
  const double width = static_cast<double>(pixels.size()) / length;
  if (length >= shortest && length >= kThinness * width && width <= 1.5 * widest) return true;
  return length <= 2.0 * widest && contrast >= lone_contrast;
}

}  // namespace

void ScratchOptions::validate() const {
  if (widest < 0 || widest > 100) throw OptionError(fmt::format("widest = {}, must be 0 to 100", widest));
  if (!(sensitivity > 0.0)) throw OptionError(fmt::format("sensitivity = {:g}, must be > 0", sensitivity));
}

torch::Tensor propose_mask(const torch::Tensor& photo, const ScratchOptions& options) {
  options.validate();
  const cv::Mat gray = luma_of(photo);
  const int side = std::min(gray.rows, gray.cols);
  const int widest = options.widest > 0 ? static_cast<int>(options.widest) : std::clamp(side / 100, 3, 12);
  const int shortest = std::max(12, side / 25);
  const cv::Mat details = thin_details(gray, widest);
  cv::Mat around;
  cv::blur(details, around, {kNeighbourhood, kNeighbourhood}, {-1, -1}, cv::BORDER_REFLECT);
  cv::Mat needed = cv::max(around * kTexture, kLeastContrast) / options.sensitivity;
  const cv::Mat strong = details > needed;
  cv::Mat weak = details > 0.5 * needed;
  // Breaks of a pixel or two do not end a scratch.
  cv::morphologyEx(weak, weak, cv::MORPH_CLOSE, cv::getStructuringElement(cv::MORPH_ELLIPSE, {3, 3}));

  cv::Mat labels;
  const int count = cv::connectedComponents(weak, labels, 8, CV_32S);
  std::vector<std::vector<cv::Point>> members(static_cast<size_t>(count));
  std::vector<double> contrast(static_cast<size_t>(count), 0.0);
  for (int y = 0; y < labels.rows; ++y) {
    for (int x = 0; x < labels.cols; ++x) {
      const auto label = static_cast<size_t>(labels.at<int>(y, x));
      if (label == 0) continue;
      members[label].emplace_back(x, y);
      if (strong.at<uchar>(y, x) != 0) {
        contrast[label] =
            std::max(contrast[label], static_cast<double>(details.at<float>(y, x) / needed.at<float>(y, x)));
      }
    }
  }
  constexpr double kLoneContrast = 1.8;  // dust must stand out more: a catch light in an eye is as small
  cv::Mat damage = cv::Mat::zeros(gray.size(), CV_8U);
  for (size_t label = 1; label < members.size(); ++label) {
    if (contrast[label] < 1.0 || !is_damage(members[label], widest, shortest, contrast[label], kLoneContrast)) continue;
    for (const cv::Point& pixel : members[label]) damage.at<uchar>(pixel) = 255;
  }
  cv::dilate(damage, damage, cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * kMargin + 1, 2 * kMargin + 1}));
  const torch::Tensor filled = torch::from_blob(damage.data, {1, 1, damage.rows, damage.cols}, torch::kUInt8);
  return filled.eq(0).to(torch::kFloat32);
}

}  // namespace zsr::dip
