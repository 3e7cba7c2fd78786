#include "kernelgan/estimate.h"

#include "core/error.h"
#include "core/image/resize.h"
#include "degradations/downsample.h"
#include "degradations/kernel_families.h"
#include "degradations/noise.h"
#include "kernelgan/spectrum.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace zsr::kernelgan {
namespace {

// Noise with the spectrum of photos, power |f|^-2.4, in [0, 1].
torch::Tensor photo_like(int64_t side, uint64_t seed) {
  torch::manual_seed(seed);
  const torch::Tensor white = torch::fft_rfft2(torch::randn({side, side}, torch::kFloat64));
  const torch::Tensor fy = torch::fft_fftfreq(side, 1.0, torch::kFloat64).unsqueeze(1);
  const torch::Tensor fx = torch::fft_rfftfreq(side, 1.0, torch::kFloat64).unsqueeze(0);
  const torch::Tensor f = (fy.square() + fx.square()).sqrt().clamp_min(1.0 / static_cast<double>(side));
  const torch::Tensor image = torch::fft_irfft2(white * f.pow(-1.2), std::vector<int64_t>{side, side});
  const torch::Tensor scaled = (image - image.mean()) / image.std() * 0.15 + 0.5;
  return scaled.clamp(0.0, 1.0).to(torch::kFloat32).view({1, 1, side, side});
}

BlurKernel blur_of(double sigma_1, double sigma_2, double angle) {
  return make_kernel({.size = 21, .sigma_1 = sigma_1, .sigma_2 = sigma_2, .angle = angle, .offset = 0.5});
}

TEST(FitBlur, FindsTheMomentsOfAGaussian) {
  for (const auto& [s1, s2, angle] : {std::tuple{1.6, 1.6, 0.0}, {1.9, 1.2, 0.5}, {1.4, 1.0, -1.0}}) {
    const torch::Tensor lr = downsample(photo_like(1024, 3), blur_of(s1, s2, angle), {2, 2});
    const BlurMoments moments = fit_blur(log_spectrum(lr), 0.0);
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    // In pixels of the LR photo; the photo's own sampling aliases a little.
    EXPECT_NEAR(moments.xx * 4.0, c * c * s1 * s1 + s * s * s2 * s2, 0.35);
    EXPECT_NEAR(moments.yy * 4.0, s * s * s1 * s1 + c * c * s2 * s2, 0.35);
    EXPECT_NEAR(moments.xy * 4.0, c * s * (s1 * s1 - s2 * s2), 0.2);
    EXPECT_LT(moments.residual, 0.3);
  }
}

TEST(FitBlur, KnownNoiseIsTakenOff) {
  const torch::Tensor lr = downsample(photo_like(1024, 4), blur_of(1.6, 1.6, 0.0), {2, 2});
  const torch::Tensor noisy = add_gaussian_noise(lr, 2.0, NoiseColor::kColor, 1);
  const double clean = fit_blur(log_spectrum(lr), 0.0).xx;
  const double blind = fit_blur(log_spectrum(noisy), 0.0).xx;
  const double aware = fit_blur(log_spectrum(noisy), 2.0 / 255.0).xx;
  EXPECT_LT(std::abs(aware - clean), 0.5 * std::abs(blind - clean));
}

TEST(EstimateKernel, GivesAnAlignedGaussianAndTrustsATexturedPhoto) {
  const torch::Tensor lr = downsample(photo_like(1024, 5), blur_of(1.8, 1.3, 0.4), {2, 2});
  const Estimate found = estimate_kernel(lr, {});
  EXPECT_EQ(to_string(found.verdict), "good") << (found.reasons.empty() ? "" : found.reasons[0]);
  EXPECT_NEAR(found.sigma_1, 1.8, 0.2);
  EXPECT_NEAR(found.sigma_2, 1.3, 0.2);
  EXPECT_NEAR(found.angle, 0.4, 0.15);
  EXPECT_NEAR(found.kernel.phase().y, 0.5, 0.02);
  EXPECT_LT(found.spread, 0.35);
  const Estimate third = estimate_kernel(lr, {.scale = 3.0});
  EXPECT_NEAR(third.sigma_1, found.sigma_1 * 1.5, 0.05);
  EXPECT_NEAR(third.kernel.phase().y, 1.0, 0.02);
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
