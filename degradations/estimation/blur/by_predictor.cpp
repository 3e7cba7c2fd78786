#include "degradations/estimation/blur/blur_estimate.h"
#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/spectrum.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::blur {

Covariance covariance_by_predictor(const torch::Tensor& photo, std::vector<std::array<double, 2>>& quarters) {
  const int64_t height = photo.size(2);
  const int64_t width = photo.size(3);
  const BlurPredictor& predictor = BlurPredictor::shipped();
  const std::vector<PatchFeatures> patches = patch_features(predictor, photo_luma(photo));
  // Each patch belongs to the quarter of its centre.
  std::array<std::vector<PatchFeatures>, 4> parts;
  for (const PatchFeatures& patch : patches) {
    const bool below = patch.y + patch.side / 2 >= height / 2;
    const bool right = patch.x + patch.side / 2 >= width / 2;
    parts[2 * static_cast<size_t>(below) + static_cast<size_t>(right)].push_back(patch);
  }
  for (const auto& part : parts) {
    constexpr size_t kFew = 3;
    if (part.size() < kFew) continue;
    const Covariance blur = predict_blur(predictor, part).covariance;
    quarters.push_back({blur.xx, blur.yy});
  }
  return predict_blur(predictor, patches).covariance;
}

void estimate_by_predictor(const torch::Tensor& photo, double scale, Estimate& estimate) {
  const double area = scale * scale;
  std::vector<std::array<double, 2>> quarters;
  const Covariance c = covariance_by_predictor(photo, quarters);
  set_gaussian(estimate, axes_of(c.xx * area, c.yy * area, c.xy * area), scale);
  if (quarters.size() < 2) {
    lower(estimate, Verdict::kWeak, "the photo is small: its quarters cannot be compared");
  } else {
    judge_quarters(estimate, quarters);
  }
}

}  // namespace zsr::blur
