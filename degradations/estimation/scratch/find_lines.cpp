#include "degradations/estimation/scratch/find_damage.h"
#include "degradations/estimation/scratch/line_response.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace zsr {
namespace {

// Chosen on the old photos of RealSRSet and Wikimedia by eye, and by what BSD200 and Set14 lose (restore/README.md).
constexpr double kMinResponse = 0.04;  // of the line's middle, 1 = white
constexpr double kAboveTexture = 3.0;  // times the mean response of the other polarity around it
constexpr int kNeighbourhood = 41;     // pixels over which that mean is taken
constexpr double kWeak = 0.5;          // a line goes on down to this part of the threshold
constexpr double kMinLength = 0.08;    // of the photo's shorter side
constexpr int kMinPixels = 20;
constexpr double kThinness = 5.0;  // length over width
constexpr double kBorder = 0.04;   // of the shorter side: lines within it are the print's edge
// Limits of the score where `dominance` > 0.
constexpr double kMinStrongest = 0.05;
constexpr double kMinScore = 0.03;
constexpr double kFaintest = 0.7;       // of what the strongest line needs: what others need beside it
constexpr double kDarkDominance = 2.0;  // outlines, branches and writing are dark

struct Line {
  int label;
  double score;
};

struct Lines {
  cv::Mat labels;
  std::vector<Line> found;

  double strongest() const {
    double best = 0.0;
    for (const Line& line : found) best = std::max(best, line.score);
    return best;
  }
};

bool touches_only_border(const cv::Rect& box, cv::Size size) {
  const int border = std::max(4, static_cast<int>(kBorder * std::min(size.width, size.height)));
  return box.x + box.width <= border || box.y + box.height <= border || box.x >= size.width - border ||
         box.y >= size.height - border;
}

// Hysteresis, then the shape of what is connected.
Lines lines_of(const cv::Mat& response, const cv::Mat& other, double sensitivity) {
  cv::Mat texture;
  cv::blur(cv::max(other, 0.0), texture, {kNeighbourhood, kNeighbourhood}, {-1, -1}, cv::BORDER_REFLECT);
  const cv::Mat needed = cv::max(texture * kAboveTexture, kMinResponse) / sensitivity;
  const cv::Mat strong = response > needed;
  const cv::Mat weak = response > kWeak * needed;
  Lines lines;
  cv::Mat boxes;
  cv::Mat centres;
  const int count = cv::connectedComponentsWithStats(weak, lines.labels, boxes, centres, 8, CV_32S);
  cv::Mat depth;
  cv::distanceTransform(weak, depth, cv::DIST_L2, 3);
  struct Sums {
    double depth = 0.0;
    double response = 0.0;
    int strong = 0;
  };
  std::vector<Sums> sums(static_cast<size_t>(count));
  for (int y = 0; y < response.rows; ++y) {
    for (int x = 0; x < response.cols; ++x) {
      Sums& sum = sums[static_cast<size_t>(lines.labels.at<int>(y, x))];
      sum.depth += depth.at<float>(y, x);
      sum.response += response.at<float>(y, x);
      sum.strong += strong.at<uchar>(y, x) != 0 ? 1 : 0;
    }
  }
  const int side = std::min(response.rows, response.cols);
  const double shortest = std::max<double>(kMinPixels, kMinLength * side);
  for (int label = 1; label < count; ++label) {
    const Sums& sum = sums[static_cast<size_t>(label)];
    const cv::Rect box(boxes.at<int>(label, cv::CC_STAT_LEFT), boxes.at<int>(label, cv::CC_STAT_TOP),
                       boxes.at<int>(label, cv::CC_STAT_WIDTH), boxes.at<int>(label, cv::CC_STAT_HEIGHT));
    const double area = boxes.at<int>(label, cv::CC_STAT_AREA);
    const double width =
        std::max(1.0, 4.0 * sum.depth / area - 1.0);  // the mean depth of a strip is a quarter of its width
    const double length = area / width;
    const double extent = std::hypot(box.width, box.height);
    if (2.0 * sum.strong < shortest || extent < shortest || length < kThinness * width) continue;
    if (touches_only_border(box, response.size())) continue;
    const double score = sum.response / area * std::sqrt(std::min(length, 2.0 * extent) / side);
    lines.found.push_back({label, score});
  }
  return lines;
}

// Adds to `mask` the lines that are strong enough beside the strongest `other`.
void take(const Lines& lines, double other, double dominance, cv::Mat& mask) {
  const bool cautious = dominance > 0.0;
  const double needed = cautious ? std::max(dominance * other, kMinStrongest) : 0.0;
  if (lines.strongest() < needed) return;
  const double faintest = cautious ? std::max(kFaintest * dominance * other, kMinScore) : 0.0;
  for (const Line& line : lines.found) {
    if (line.score >= faintest) mask.setTo(255, lines.labels == line.label);
  }
}

}  // namespace

cv::Mat find_lines(const cv::Mat& gray, double sensitivity, double dominance) {
  const LineResponse response = line_response(gray);
  const Lines bright = lines_of(response.bright, response.dark, sensitivity);
  const Lines dark = lines_of(response.dark, response.bright, sensitivity);
  cv::Mat mask = cv::Mat::zeros(gray.size(), CV_8U);
  take(bright, dark.strongest(), dominance, mask);
  take(dark, bright.strongest(), kDarkDominance * dominance, mask);
  return mask;
}

}  // namespace zsr
