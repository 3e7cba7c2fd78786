#include "degradations/estimation/blur/blur_predictor.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/blur/spectrum.h"

#include <fmt/format.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::blur {

std::vector<std::array<double, 2>> variances_of_quarters(const std::vector<PatchFeatures>& patches, int64_t height,
                                                         int64_t width) {
  // Each patch belongs to the quarter of its centre.
  std::array<std::vector<PatchFeatures>, 4> parts;
  for (const PatchFeatures& patch : patches) {
    const bool below = patch.y + patch.side / 2 >= height / 2;
    const bool right = patch.x + patch.side / 2 >= width / 2;
    parts[2 * static_cast<size_t>(below) + static_cast<size_t>(right)].push_back(patch);
  }
  std::vector<std::array<double, 2>> variances;
  for (const auto& part : parts) {
    constexpr size_t kFew = 3;
    if (part.size() < kFew) continue;
    const Covariance blur = predict_blur(BlurPredictor::shipped(), part).covariance;
    variances.push_back({blur.xx, blur.yy});
  }
  return variances;
}

Covariance covariance_by_predictor(const torch::Tensor& photo, std::vector<std::array<double, 2>>& quarters) {
  const std::vector<PatchFeatures> patches = patch_features(BlurPredictor::shipped(), photo_luma(photo));
  quarters = variances_of_quarters(patches, photo.size(2), photo.size(3));
  return predict_blur(BlurPredictor::shipped(), patches).covariance;
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
