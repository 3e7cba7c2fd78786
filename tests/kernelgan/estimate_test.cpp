#include "kernelgan/estimate.h"

#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/kernel_families.h"
#include "degradations/noise.h"
#include "image/resize.h"
#include "tests/support/photo_like.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::kernelgan {
namespace {

using test::blur_of;
using test::photo_like;

TEST(EstimateKernel, GivesAnAlignedGaussianAndTrustsATexturedPhoto) {
  const torch::Tensor lr = downsample(photo_like(1024, 5), blur_of(1.8, 1.3, 0.4), {2, 2});
  const Estimate found = estimate_kernel(lr, {.estimator = "spectrum"});
  EXPECT_EQ(to_string(found.verdict), "good") << (found.reasons.empty() ? "" : found.reasons[0]);
  EXPECT_NEAR(found.sigma_1, 1.8, 0.2);
  EXPECT_NEAR(found.sigma_2, 1.3, 0.2);
  EXPECT_NEAR(found.angle, 0.4, 0.15);
  EXPECT_NEAR(found.kernel.phase().y, 0.5, 0.02);
  EXPECT_LT(found.spread, 0.35);
  const Estimate third = estimate_kernel(lr, {.estimator = "spectrum", .scale = 3.0});
  EXPECT_NEAR(third.sigma_1, found.sigma_1 * 1.5, 0.05);
  EXPECT_NEAR(third.kernel.phase().y, 1.0, 0.02);
}

TEST(EstimateKernel, ASoftPhotoWithGrainIsNotTakenForABlurredOne) {
  // A sharp photo blurred and made smaller is estimated; the same with texture at the scale of its pixels is not.
  const torch::Tensor lr = downsample(test::squares(640, 3), blur_of(1.7, 1.7, 0.0), {2, 2});
  const Estimate clean = estimate_kernel(lr, {});
  EXPECT_NE(to_string(clean.verdict), "reject");
  EXPECT_FALSE(clean.bicubic);
  torch::Tensor weave = lr.clone();
  torch::manual_seed(3);
  weave.slice(3, 96, 320).add_(0.03 * torch::randn({1, 1, 320, 224}));
  const Estimate grainy = estimate_kernel(weave.clamp(0.0, 1.0), {});
  EXPECT_TRUE(to_string(grainy.verdict) == "reject" || grainy.bicubic || grainy.perhaps_bicubic)
      << grainy.sigma_1 << " " << grainy.detail;
}

TEST(EstimateKernel, RejectsWhatHoldsTooLittle) {
  const auto rejected = [](const torch::Tensor& photo, const char* reason) {
    const Estimate found = estimate_kernel(photo, {});
    EXPECT_EQ(to_string(found.verdict), "reject") << reason;
    ASSERT_FALSE(found.reasons.empty());
    std::string all;
    for (const std::string& one : found.reasons) all += one + "\n";
    EXPECT_NE(all.find(reason), std::string::npos) << all;
    EXPECT_NEAR(found.kernel.weights().sum().item<double>(), 1.0, 1e-9);
  };
  torch::manual_seed(1);
  rejected(torch::full({1, 3, 200, 200}, 0.5F), "flat");
  rejected(torch::rand({1, 3, 200, 200}), "mostly noise");
  rejected(photo_like(64, 1), "least");
  rejected(imresize(photo_like(200, 2), {4, 4}).clamp(0.0, 1.0), "enlarged before");
}

TEST(EstimateKernel, AdversarialEstimatorRunsForEveryScale) {
  const torch::Tensor photo = photo_like(128, 6);
  for (const double scale : {2.0, 3.0, 4.0}) {
    const Estimate found = estimate_kernel(
        photo, {.estimator = "kernelgan", .scale = scale, .seeds = 2, .adversarial = {.iterations = 10}});
    EXPECT_EQ(found.summary.steps, 20);
    EXPECT_NEAR(found.kernel.phase().y, 0.5 * (scale - 1.0), 0.05) << scale;
  }
}

TEST(EstimateKernel, UnknownEstimatorListsTheKnownOnes) {
  try {
    estimate_kernel(photo_like(128, 1), {.estimator = "magic"});
    FAIL();
  } catch (const OptionError& error) {
    EXPECT_NE(std::string(error.what()).find("spectrum, kernelgan"), std::string::npos);
  }
  EXPECT_THROW(estimate_kernel(photo_like(128, 1), {.scale = 1.0}), OptionError);
  EXPECT_THROW(estimate_kernel(photo_like(128, 1), {.seeds = 0}), OptionError);
}

}  // namespace
}  // namespace zsr::kernelgan
