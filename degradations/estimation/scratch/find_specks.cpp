#include "degradations/estimation/scratch/find_damage.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <vector>

namespace zsr {
namespace {

constexpr int kMinLargest = 3;  // pixels of the largest speck's side
constexpr int kMaxLargest = 9;
constexpr int kPartOfSide = 120;       // the largest speck is this part of the photo's shorter side
constexpr double kMinContrast = 0.10;  // against the surroundings, 1 = white
constexpr double kAboveNoise = 10.0;   // times the standard deviation of the surroundings
constexpr double kMaxNoise = 0.012;
constexpr int kRing = 6;         // pixels around a speck that must be smooth
constexpr size_t kMinCount = 6;  // dust comes in numbers; a single spot may be a catch light

// Spots of one polarity; `details` is the top-hat of it, `activity` that of both.
std::vector<cv::Mat> spots(const cv::Mat& details, const cv::Mat& activity, int largest, double sensitivity,
                           std::vector<cv::Rect>& places) {
  const cv::Mat candidates = details > 0.5 * kMinContrast / sensitivity;
  cv::Mat labels;
  cv::Mat boxes;
  cv::Mat centres;
  const int count = cv::connectedComponentsWithStats(candidates, labels, boxes, centres, 8, CV_32S);
  std::vector<cv::Mat> found;
  const cv::Rect whole(0, 0, details.cols, details.rows);
  for (int label = 1; label < count; ++label) {
    const cv::Rect box(boxes.at<int>(label, cv::CC_STAT_LEFT), boxes.at<int>(label, cv::CC_STAT_TOP),
                       boxes.at<int>(label, cv::CC_STAT_WIDTH), boxes.at<int>(label, cv::CC_STAT_HEIGHT));
    if (std::max(box.width, box.height) > 2 * largest) continue;
    const cv::Rect around(box.x - kRing, box.y - kRing, box.width + 2 * kRing, box.height + 2 * kRing);
    if ((around & whole) != around) continue;
    const cv::Mat spot = labels(around) == label;
    cv::Mat near;
    cv::dilate(spot, near, cv::Mat());
    cv::Scalar level;
    cv::Scalar noise;
    cv::meanStdDev(activity(around), level, noise, near == 0);
    double peak = 0.0;
    cv::minMaxLoc(details(around), nullptr, &peak, nullptr, nullptr, spot);
    if (noise[0] > kMaxNoise || peak < std::max(kMinContrast, kAboveNoise * noise[0]) / sensitivity) continue;
    found.push_back(spot);
    places.push_back(around);
  }
  return found;
}

}  // namespace

cv::Mat find_specks(const cv::Mat& gray, double sensitivity, double dominance) {
  const int largest = std::clamp(std::min(gray.rows, gray.cols) / kPartOfSide, kMinLargest, kMaxLargest);
  const cv::Mat element = cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * largest + 1, 2 * largest + 1});
  cv::Mat bright;
  cv::Mat dark;
  cv::morphologyEx(gray, bright, cv::MORPH_TOPHAT, element, {-1, -1}, 1, cv::BORDER_REFLECT);
  cv::morphologyEx(gray, dark, cv::MORPH_BLACKHAT, element, {-1, -1}, 1, cv::BORDER_REFLECT);
  const cv::Mat activity = bright + dark;
  std::vector<std::vector<cv::Rect>> places(2);
  const std::vector<std::vector<cv::Mat>> found = {spots(bright, activity, largest, sensitivity, places[0]),
                                                   spots(dark, activity, largest, sensitivity, places[1])};
  cv::Mat mask = cv::Mat::zeros(gray.size(), CV_8U);
  for (size_t polarity = 0; polarity < 2; ++polarity) {
    const size_t count = found[polarity].size();
    const size_t other = found[1 - polarity].size();
    const bool cautious = dominance > 0.0;
    if (cautious && (count < kMinCount || static_cast<double>(count) < dominance * static_cast<double>(other)))
      continue;
    for (size_t i = 0; i < count; ++i) mask(places[polarity][i]).setTo(255, found[polarity][i]);
  }
  return mask;
}

}  // namespace zsr
