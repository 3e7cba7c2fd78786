#include "degradations/estimation/blur/blur_regression.h"

#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/estimate.h"
#include "nn/weights/shipped.h"
#include "tests/support/photo_like.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::blur {
namespace {

using test::blur_of;

constexpr int64_t kInputs = BlurEvidence::kFeatures;

// One centre at the mean of all features; outputs that can be computed by hand.
WeightsFile small_regression() {
  WeightsFile file;
  const auto put = [&](const char* name, const torch::Tensor& value) {
    file.tensors.push_back({name, value.to(torch::kFloat32)});
  };
  const auto machine = [&](const std::string& name, int64_t inputs, int64_t outputs, double at_center, double offset) {
    torch::Tensor coefficients = torch::zeros({1 + inputs, outputs});
    coefficients[0].fill_(at_center);
    put((name + ".coefficients").c_str(), coefficients);
    put((name + ".offsets").c_str(), torch::full({outputs}, offset));
    put((name + ".width").c_str(), torch::full({1}, 0.5));
  };
  put("mean", torch::zeros({kInputs}));
  put("deviation", torch::ones({kInputs}));
  put("stretch", torch::full({9, 3}, 0.25));
  put("interval", torch::full({9, 2}, 2.0));
  put("most_error", torch::full({9}, 0.15));
  put("size.centers", torch::zeros({1, kInputs}));
  put("error.centers", torch::zeros({1, kInputs + 2}));
  machine("size", kInputs, 9, 0.4, 0.1);
  machine("error", kInputs + 2, 9, 0.0, std::log(0.2));
  machine("kind", kInputs, 1, 2.0, -1.0);
  return file;
}

BlurEvidence evidence_of(double feature) {
  BlurEvidence evidence;
  evidence.features.assign(kInputs, feature);
  evidence.stretch = {{{0.4, 0.0, 0.0}, {0.0, 0.0, 0.0}}};
  return evidence;
}

TEST(BlurRegression, ComputesWhatItsNumbersSay) {
  const BlurRegression regression(small_regression());
  for (const double feature : {0.0, 1.0, 9.0}) {
    const BlurAnswer answer = regression(evidence_of(feature), 2.0);
    const double away = std::min(feature, 4.0);  // farther counts as 4 deviations
    const double near = std::exp(-0.5 * away * away);
    const double size = 0.1 + 0.4 * near;
    EXPECT_NEAR(answer.likeness, near, 1e-6);
    EXPECT_NEAR(answer.gaussian, 2.0 * near - 1.0, 1e-6);
    EXPECT_NEAR(answer.covariance.xx, std::exp(size + 0.1), 1e-6);
    EXPECT_NEAR(answer.covariance.yy, std::exp(size - 0.1), 1e-6);
    EXPECT_NEAR(answer.covariance.xy, 0.0, 1e-6);
    EXPECT_NEAR(answer.expected_error, 0.15, 1e-6);
    EXPECT_NEAR(answer.interval[0], std::exp(0.2), 1e-6);
  }
}

TEST(BlurRegression, RefusesOtherWeights) {
  for (size_t i = 0; i < small_regression().tensors.size(); ++i) {
    WeightsFile file = small_regression();
    file.tensors.erase(file.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_THROW(BlurRegression{file}, InputError) << i;
  }
  EXPECT_FALSE(BlurRegression::is_regression(small_regression()));
  EXPECT_TRUE(BlurRegression::is_regression(shipped_weights("blur-regression")));
}

TEST(BlurEvidence, TransposingThePhotoKeepsSizesAndTurnsTheStretch) {
  const torch::Tensor photo = downsample(test::squares(400, 2), blur_of(1.9, 1.1, 0.0), {2, 2});
  const torch::Tensor square = photo.slice(2, 0, 192).slice(3, 0, 192).contiguous();
  const FineScale fine = look_at_fine_scale(square);
  const KnownOfPhoto known{fine.noise, fine.detail, fine.jpeg_quality};
  const BlurEvidence a = gather_evidence(square, known);
  const BlurEvidence b = gather_evidence(square.transpose(2, 3).contiguous(), known);
  ASSERT_EQ(a.features.size(), static_cast<size_t>(kInputs));
  for (size_t i = 0; i < a.features.size(); ++i) EXPECT_NEAR(a.features[i], b.features[i], 5e-3) << i;
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(a.stretch[0][i], -b.stretch[0][i], 5e-3) << i;
}

TEST(EstimateByBoth, IntervalsHoldTheEstimate) {
  const torch::Tensor photo = downsample(test::squares(640, 1), blur_of(1.7, 1.7, 0.0), {2, 2});
  Estimate estimate{fallback_kernel(2.0)};
  estimate.verdict = Verdict::kGood;
  estimate_by_both(photo, 2.0, estimate);
  EXPECT_NEAR(estimate.sigma_1, 1.7, 0.4);
  EXPECT_LT(estimate.interval_1[0], estimate.sigma_1);
  EXPECT_GT(estimate.interval_1[1], estimate.sigma_1);
  EXPECT_LT(estimate.interval_2[0], estimate.sigma_2);
  EXPECT_GT(estimate.interval_2[1], estimate.sigma_2);
}

}  // namespace
}  // namespace zsr::blur
