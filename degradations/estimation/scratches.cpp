#include "degradations/estimation/scratches.h"

#include "core/error.h"
#include "degradations/estimation/scratch/find_damage.h"

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>
#include <torch/types.h>

#include <algorithm>

namespace zsr {
namespace {

// Lines four pixels wide are found at the photo's own size; large scans are also looked at in half, quarter... size.
constexpr int kSideForHalf = 600;  // of the smaller photo
constexpr double kMaxPart = 0.12;  // of the photo: where there is more, it is a pattern of the picture
constexpr int kSoftEdge = 2;       // pixels around the damage: its soft edges

cv::Mat gray_of(const torch::Tensor& photo) {
  const torch::Tensor gray = photo[0].mean(0).to(torch::kCPU).to(torch::kFloat32).contiguous();
  return cv::Mat(static_cast<int>(gray.size(0)), static_cast<int>(gray.size(1)), CV_32F, gray.data_ptr<float>())
      .clone();
}

}  // namespace

void ScratchOptions::validate() const {
  if (!(sensitivity > 0.0)) throw OptionError(fmt::format("sensitivity = {:g}, must be > 0", sensitivity));
  if (!(dominance >= 0.0)) throw OptionError(fmt::format("dominance = {:g}, must be >= 0", dominance));
}

torch::Tensor propose_mask(const torch::Tensor& photo, const ScratchOptions& options) {
  options.validate();
  cv::Mat gray = gray_of(photo);
  cv::Mat damage = find_specks(gray, options.sensitivity, options.dominance);
  const int side = std::min(gray.rows, gray.cols);
  for (int level = 0; level == 0 || side >> level >= kSideForHalf; ++level) {
    if (level > 0) cv::resize(gray, gray, {(gray.cols + 1) / 2, (gray.rows + 1) / 2}, 0.0, 0.0, cv::INTER_AREA);
    cv::Mat lines = find_lines(gray, options.sensitivity, options.dominance);
    if (level > 0) cv::resize(lines, lines, damage.size(), 0.0, 0.0, cv::INTER_NEAREST);
    damage |= lines;
  }
  cv::dilate(damage, damage, cv::getStructuringElement(cv::MORPH_ELLIPSE, {2 * kSoftEdge + 1, 2 * kSoftEdge + 1}));
  const double part = static_cast<double>(cv::countNonZero(damage)) / static_cast<double>(damage.total());
  if (options.dominance > 0.0 && part > kMaxPart) damage.setTo(0);
  const torch::Tensor filled = torch::from_blob(damage.data, {1, 1, damage.rows, damage.cols}, torch::kUInt8);
  return filled.eq(0).to(torch::kFloat32);
}

}  // namespace zsr
