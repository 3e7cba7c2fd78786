#include "kernelgan/blur_predictor.h"
#include "kernelgan/estimators.h"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>

namespace zsr::kernelgan {

void estimate_by_predictor(const torch::Tensor& photo, const EstimateOptions& options, Estimate& estimate) {
  constexpr int64_t kPatch = BlurPredictor::kPatch;
  const int64_t height = photo.size(2);
  const int64_t width = photo.size(3);
  if (std::min(height, width) < kPatch) {
    estimate_by_spectrum(photo, options, estimate);
    lower(
        estimate, Verdict::kWeak,
        fmt::format("the photo is {}x{}, too small for the predictor ({} pixels a side): its spectrum alone was looked "
                    "at",
                    width, height, kPatch));
    return;
  }
  const double area = options.scale * options.scale;
  const torch::Tensor rgb = photo[0].to(torch::kCPU, torch::kFloat32);
  const torch::Tensor luma =
      (rgb.size(0) == 3 ? 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] : rgb[0]).contiguous();
  const BlurPredictor& predictor = BlurPredictor::shipped();
  const std::vector<PatchFeatures> patches = patch_features(predictor, luma);
  const PredictedBlur whole = predict_blur(predictor, patches);
  const Covariance& c = whole.covariance;
  set_gaussian(estimate, axes_of(c.xx * area, c.yy * area, c.xy * area), options.scale);

  // Each patch belongs to the quarter of its centre.
  std::vector<std::vector<PatchFeatures>> quarters(4);
  for (const PatchFeatures& patch : patches) {
    const bool below = patch.y + kPatch / 2 >= height / 2;
    const bool right = patch.x + kPatch / 2 >= width / 2;
    quarters[2 * static_cast<size_t>(below) + static_cast<size_t>(right)].push_back(patch);
  }
  std::vector<std::array<double, 2>> variances;
  for (const auto& quarter : quarters) {
    constexpr size_t kFew = 3;
    if (quarter.size() < kFew) continue;
    const Covariance part = predict_blur(predictor, quarter).covariance;
    variances.push_back({part.xx, part.yy});
  }
  if (variances.size() < 2) {
    lower(estimate, Verdict::kWeak, "the photo is small: its quarters cannot be compared");
  } else {
    judge_quarters(estimate, variances);
  }
}

}  // namespace zsr::kernelgan
