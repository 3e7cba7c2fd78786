#include "degradations/estimation/scratch/line_response.h"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr {
namespace {

constexpr int kLineDirections = 16;
constexpr int kHalfLength = 6;     // pixels along the line
constexpr int kSideOffset = 3;     // pixels from the middle of the line to the middle of a side
constexpr int kFirstParallel = 6;  // pixels across
constexpr int kLastParallel = 16;
constexpr float kUnlikeSides = 0.5F;
constexpr int kLineMargin = kLastParallel + kSideOffset + kHalfLength + 1;
constexpr int kStrip = 256;  // rows at a time: the images between stay in the cache

struct Offset {
  int x;
  int y;
};

Offset rounded(double x, double y) {
  return {static_cast<int>(std::lround(x)), static_cast<int>(std::lround(y))};
}

// `image` without `margin` at each side, seen from a place moved by `by`.
cv::Mat moved(const cv::Mat& image, int margin, Offset by) {
  return image(cv::Rect(margin + by.x, margin + by.y, image.cols - 2 * margin, image.rows - 2 * margin));
}

struct Direction {
  Offset across(int distance) const { return rounded(-distance * y, distance * x); }
  Offset along(int distance) const { return rounded(distance * x, distance * y); }
  double x;
  double y;
};

// Less the strongest of the parallel lines beside it. `response` is smaller by kLastParallel at each side afterwards.
cv::Mat without_parallels(const cv::Mat& response, Direction direction) {
  cv::Mat strongest = cv::Mat::zeros(response.rows - 2 * kLastParallel, response.cols - 2 * kLastParallel, CV_32F);
  for (int distance = kFirstParallel; distance <= kLastParallel; distance += 2) {
    for (const int side : {-distance, distance}) {
      cv::max(strongest, moved(response, kLastParallel, direction.across(side)), strongest);
    }
  }
  return moved(response, kLastParallel, {0, 0}) - strongest;
}

// Raises `bright` and `dark` to the response in one direction. `padded` is larger than they by kLineMargin at each
// side.
void add_direction(const cv::Mat& padded, const cv::Mat& squares, Direction direction, cv::Mat bright, cv::Mat dark) {
  constexpr int kEnds = kHalfLength + 1;
  cv::Mat mean = cv::Mat::zeros(padded.rows - 2 * kEnds, padded.cols - 2 * kEnds, CV_32F);
  cv::Mat deviation = mean.clone();
  for (int step = -kHalfLength; step <= kHalfLength; ++step) {
    mean += moved(padded, kEnds, direction.along(step));
    deviation += moved(squares, kEnds, direction.along(step));
  }
  constexpr double kCount = 2 * kHalfLength + 1;
  mean /= kCount;
  deviation = cv::max(deviation / kCount - mean.mul(mean), 0.0);
  cv::sqrt(deviation, deviation);

  const Offset left = direction.across(kSideOffset);
  const Offset right = direction.across(-kSideOffset);
  const cv::Mat line = moved(mean, kSideOffset, {0, 0});
  const cv::Mat brighter = cv::max(moved(mean, kSideOffset, left), moved(mean, kSideOffset, right));
  const cv::Mat darker = cv::min(moved(mean, kSideOffset, left), moved(mean, kSideOffset, right));
  const cv::Mat texture = cv::max(moved(deviation, kSideOffset, left), moved(deviation, kSideOffset, right));
  const cv::Mat doubt = kUnlikeSides * (brighter - darker) + texture;
  cv::max(bright, without_parallels(line - brighter - doubt, direction), bright);
  cv::max(dark, without_parallels(darker - line - doubt, direction), dark);
}

}  // namespace

LineResponse line_response(const cv::Mat& gray) {
  cv::Mat padded;
  cv::copyMakeBorder(gray, padded, kLineMargin, kLineMargin, kLineMargin, kLineMargin, cv::BORDER_REFLECT);
  const cv::Mat squares = padded.mul(padded);
  LineResponse response{cv::Mat(gray.size(), CV_32F, cv::Scalar(-1.0)), cv::Mat(gray.size(), CV_32F, cv::Scalar(-1.0))};
  for (int top = 0; top < gray.rows; top += kStrip) {
    const int bottom = std::min(top + kStrip, gray.rows);
    for (int i = 0; i < kLineDirections; ++i) {
      const double angle = std::numbers::pi * i / kLineDirections;
      add_direction(padded.rowRange(top, bottom + 2 * kLineMargin), squares.rowRange(top, bottom + 2 * kLineMargin),
                    {std::cos(angle), std::sin(angle)}, response.bright.rowRange(top, bottom),
                    response.dark.rowRange(top, bottom));
    }
  }
  return response;
}

}  // namespace zsr
