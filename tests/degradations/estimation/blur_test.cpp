#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/estimation/blur/blur_training.h"
#include "degradations/estimation/blur/estimator_parts.h"
#include "degradations/estimation/blur/spectrum.h"
#include "degradations/noise.h"
#include "nn/weights/safetensors.h"
#include "tests/support/photo_like.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr::blur {
namespace {

using test::blur_of;
using test::photo_like;

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
TEST(BlurPredictor, OrdersBlursAndTurnsWithThePhoto) {
  const torch::Tensor sharp = test::squares(640, 1);
  const auto blur_found = [&](const BlurKernel& kernel) {
    std::vector<std::array<double, 2>> quarters;
    const Covariance c = covariance_by_predictor(downsample(sharp, kernel, {2, 2}), quarters);
    EXPECT_GE(quarters.size(), 2U);
    return c;
  };
  double last = 0.0;
  for (const double sigma : {0.9, 1.3, 1.7, 2.1}) {
    const Covariance c = blur_found(blur_of(sigma, sigma, 0.0));
    EXPECT_NEAR(4.0 * 0.5 * (c.xx + c.yy), sigma * sigma, 0.5 * sigma * sigma + 0.3) << sigma;
    EXPECT_GT(c.xx + c.yy, last);
    last = c.xx + c.yy;
  }
  const Covariance wide = blur_found(blur_of(2.2, 0.9, 0.0));
  EXPECT_GT(wide.xx, 1.5 * wide.yy);
  const Covariance slanted = blur_found(blur_of(2.2, 0.9, 0.785));
  EXPECT_GT(slanted.xy, 0.2 * slanted.xx);
}

TEST(BlurPredictor, TransposingThePhotoTransposesTheAnswerExactly) {
  const torch::Tensor photo = downsample(test::squares(400, 2), blur_of(1.9, 1.1, 0.4), {2, 2});
  std::vector<std::array<double, 2>> quarters;
  const Covariance a = covariance_by_predictor(photo.slice(2, 0, 192).slice(3, 0, 192), quarters);
  const Covariance b =
      covariance_by_predictor(photo.slice(2, 0, 192).slice(3, 0, 192).transpose(2, 3).contiguous(), quarters);
  EXPECT_NEAR(a.xx, b.yy, 2e-3 * a.xx);
  EXPECT_NEAR(a.yy, b.xx, 2e-3 * a.xx);
  EXPECT_NEAR(a.xy, b.xy, 2e-3 * a.xx);
}

TEST(BlurPredictor, WeightsSurviveTheFile) {
  Random random(5);
  const BlurPredictor drawn(random);
  const BlurPredictor back(parse_safetensors(format_safetensors(drawn.weights()), "here"));
  const torch::Tensor patches = torch::rand({2, 1, 96, 96});
  const torch::Tensor a = drawn.features(patches);
  const torch::Tensor b = back.features(patches);
  EXPECT_LT((a - b).abs().max().item<double>(), 2e-2 * a.abs().max().item<double>());  // halves have 11 bits
  WeightsFile wrong = drawn.weights();
  wrong.tensors.pop_back();
  EXPECT_THROW(BlurPredictor{wrong}, InputError);
}

TEST(BlurTraining, LearnsAndRepeatsItself) {
  const std::vector<torch::Tensor> photos = {test::squares(300, 7), test::squares(300, 8), test::squares(100, 9)};
  const BlurTrainingOptions options{.steps = 6, .patches = 6, .group = 3};
  double error = 0.0;
  RunContext context;
  context.progress = [&](const Progress& now) {
    error = now.loss;
    return ProgressAction::kContinue;
  };
  const BlurPredictor a = train_blur_predictor(photos, options, context);
  const BlurPredictor b = train_blur_predictor(photos, options);
  EXPECT_GT(error, 0.0);
  EXPECT_TRUE(torch::equal(a.parameters()[4], b.parameters()[4]));
  EXPECT_THROW(train_blur_predictor({test::squares(100, 9)}, options), InputError);
  EXPECT_THROW(train_blur_predictor(photos, {.patches = 7, .group = 3}), OptionError);
}

TEST(SymmetricLog, RoundTripsAndIsTheLogarithm) {
  const Covariance c{2.0, 0.7, 0.5};
  const auto log = log_of(c);
  const Covariance back = exp_of(log);
  EXPECT_NEAR(back.xx, c.xx, 1e-12);
  EXPECT_NEAR(back.yy, c.yy, 1e-12);
  EXPECT_NEAR(back.xy, c.xy, 1e-12);
  EXPECT_NEAR(log[0], 0.5 * std::log(c.xx * c.yy - c.xy * c.xy), 1e-12);
  EXPECT_NEAR(exp_of({std::log(3.0), 0.0, 0.0}).xx, 3.0, 1e-12);
}

}  // namespace
}  // namespace zsr::blur
