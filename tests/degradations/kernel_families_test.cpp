#include "degradations/kernel_families.h"

#include "core/error.h"
#include "degradations/downsample.h"
#include "degradations/filter.h"
#include "degradations/kernel_analysis.h"
#include "degradations/kernel_pca.h"
#include "image/resize.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace zsr {
namespace {

using test::max_difference;

TEST(KernelFamilies, AllSumToOneAndKeepTheirSize) {
  for (const KernelFamily family :
       {KernelFamily::kGaussian, KernelFamily::kGeneralized, KernelFamily::kPlateau, KernelFamily::kSinc,
        KernelFamily::kDisk, KernelFamily::kLine, KernelFamily::kShake, KernelFamily::kDiv2krk}) {
    for (const int64_t size : {11, 12, 21}) {
      KernelSpec spec{.family = family, .size = size, .sigma_1 = 2.0, .sigma_2 = 1.0, .angle = 0.4, .cutoff = 1.5};
      const BlurKernel kernel = make_kernel(spec);
      EXPECT_EQ(kernel.height(), size);
      EXPECT_NEAR(kernel.weights().sum().item<double>(), 1.0, 1e-12);
    }
  }
}

// exp(-q/2), exp(-q^b/2) and 1/(1+q^b) for q = (x^2 + y^2) / sigma^2 at one off-centre pixel against the centre.
TEST(KernelFamilies, GaussianGeneralizedAndPlateauFollowTheirFormulas) {
  const auto ratio = [](KernelFamily family, double beta) {
    const BlurKernel kernel = make_kernel({.family = family, .size = 15, .sigma_1 = 1.5, .sigma_2 = 1.5, .beta = beta});
    return (kernel.weights()[8][9] / kernel.weights()[7][7]).item<double>();
  };
  const double q = (1.0 + 4.0) / (1.5 * 1.5);
  EXPECT_NEAR(ratio(KernelFamily::kGaussian, 3.0), std::exp(-0.5 * q), 1e-12);
  EXPECT_NEAR(ratio(KernelFamily::kGeneralized, 0.7), std::exp(-0.5 * std::pow(q, 0.7)), 1e-12);
  EXPECT_NEAR(ratio(KernelFamily::kPlateau, 1.6), 1.0 / (1.0 + std::pow(q, 1.6)), 1e-12);
}

TEST(KernelFamilies, AngleTurnsFromXTowardsY) {
  const BlurKernel kernel = make_kernel({.size = 31, .sigma_1 = 4.0, .sigma_2 = 1.0, .angle = std::numbers::pi / 4});
  EXPECT_GT(kernel.weights()[18][18].item<double>(), 10.0 * kernel.weights()[12][18].item<double>());
  const GaussianFit fit = fit_gaussian(kernel);
  EXPECT_NEAR(fit.sigma_1, 4.0, 0.02);
  EXPECT_NEAR(fit.sigma_2, 1.0, 0.01);
  EXPECT_NEAR(fit.angle, std::numbers::pi / 4, 1e-3);
  EXPECT_LT(fit.residual, 0.02);
}

// The frequency response of a circular low-pass is 1 inside the cut-off and 0 outside.
TEST(KernelFamilies, SincPassesLowAndStopsHighFrequencies) {
  const BlurKernel kernel = make_kernel({.family = KernelFamily::kSinc, .size = 101, .cutoff = 1.2});
  const auto response = [&](double frequency) {
    const torch::Tensor wave = (torch::arange(101, torch::kFloat64) - 50.0).mul(frequency).cos().unsqueeze(0);
    return (kernel.weights() * wave).sum().item<double>();
  };
  EXPECT_NEAR(response(0.6), 1.0, 0.05);
  EXPECT_NEAR(response(2.0), 0.0, 0.05);
}

TEST(KernelFamilies, DiskIsFlatInsideAndEmptyOutside) {
  const BlurKernel kernel = make_kernel({.family = KernelFamily::kDisk, .size = 15, .radius = 4.2});
  const double area = std::numbers::pi * 4.2 * 4.2;
  EXPECT_NEAR(kernel.weights()[7][7].item<double>(), 1.0 / area, 0.01 / area);
  EXPECT_NEAR(kernel.weights()[7][10].item<double>(), 1.0 / area, 0.01 / area);
  EXPECT_EQ(kernel.weights()[1][7].item<double>(), 0.0);
}

TEST(KernelFamilies, LineHasTheVarianceOfALine) {
  const BlurKernel kernel = make_kernel({.family = KernelFamily::kLine, .size = 41, .angle = 0.3, .length = 24.0});
  const GaussianFit fit = fit_gaussian(kernel);
  EXPECT_NEAR(fit.sigma_1, 24.0 / std::sqrt(12.0), 0.1);
  EXPECT_LT(fit.sigma_2, 0.6);
  EXPECT_NEAR(fit.angle, 0.3, 0.01);
}

TEST(KernelFamilies, ShakeIsDrawnFromItsSeedAndStaysInside) {
  const KernelSpec spec{.family = KernelFamily::kShake, .size = 25, .length = 20.0, .seed = 5};
  KernelSpec other = spec;
  other.seed = 6;
  EXPECT_EQ(max_difference(make_kernel(spec).weights(), make_kernel(spec).weights()), 0.0);
  EXPECT_GT(max_difference(make_kernel(spec).weights(), make_kernel(other).weights()), 0.0);
  const torch::Tensor weights = make_kernel(spec).weights();
  EXPECT_GE(weights.min().item<double>(), 0.0);
  EXPECT_NEAR(make_kernel(spec).phase().y, 0.0, 0.05);
  // Reaches out to half the length along one axis and no farther.
  const torch::Tensor used = weights.gt(0).nonzero();
  const int64_t reach = (used - 12).abs().max().item<int64_t>();
  EXPECT_GE(reach, 9);
  EXPECT_LE(reach, 11);
}

TEST(KernelFamilies, BicubicKernelSampledIsImresize) {
  const torch::Tensor image = test::texture(1, 48, 48);
  for (const int64_t scale : {2, 3, 4}) {
    const auto factor = static_cast<double>(scale);
    const BlurKernel kernel = make_kernel({.family = KernelFamily::kBicubic, .scale = factor});
    EXPECT_NEAR(kernel.phase().y, 0.5 * (factor - 1.0), 1e-9);
    const torch::Tensor sampled = downsample(image, kernel, {factor, factor});
    EXPECT_LT(max_difference(sampled, imresize(image, {1.0 / factor, 1.0 / factor})), 1e-12);
  }
}

TEST(KernelFamilies, Div2krkNoiseStaysWithinItsPart) {
  KernelSpec spec{.family = KernelFamily::kDiv2krk, .size = 11, .sigma_1 = 2.0, .sigma_2 = 1.0, .seed = 9};
  KernelSpec quiet = spec;
  quiet.noise = 0.0;
  const torch::Tensor ratio = make_kernel(spec).weights() / make_kernel(quiet).weights();
  const torch::Tensor inner = ratio.slice(0, 3, 8).slice(1, 3, 8);
  EXPECT_GT(inner.std().item<double>(), 0.05);
  EXPECT_NEAR(make_kernel(spec).phase().y, 0.0, 0.1);
}

TEST(KernelFamilies, ComposedKernelIsTwoStepsInOne) {
  const torch::Tensor image = test::texture(1, 80, 80);
  KernelSpec spec{
      .family = KernelFamily::kDiv2krk, .size = 9, .sigma_1 = 1.3, .sigma_2 = 0.9, .offset = 0.5, .seed = 1};
  const BlurKernel kernel = make_kernel(spec);
  const torch::Tensor twice = downsample(downsample(image, kernel, {2, 2}), kernel, {2, 2});
  const torch::Tensor once = downsample(image, compose(kernel), {4, 4});
  EXPECT_NEAR(compose(kernel).phase().y, 3.0 * kernel.phase().y, 1e-9);
  // At the border the two mirror differently.
  EXPECT_LT(max_difference(once.slice(2, 6, 14).slice(3, 6, 14), twice.slice(2, 6, 14).slice(3, 6, 14)), 1e-12);
}

TEST(KernelFamilies, BlurAfterDownscalingIsOneKernel) {
  const BlurKernel blur(test::random_bytes(1, 5, 3, 8)[0][0]);
  const torch::Tensor image = test::texture(3, 96, 96);
  const BlurKernel cubic = make_kernel({.family = KernelFamily::kBicubic, .scale = 4.0});
  const torch::Tensor small = correlate(downsample(image, cubic, {4, 4}), blur.weights());
  const torch::Tensor once = downsample(image, compose(cubic, blur, 4), {4, 4});
  EXPECT_LT(test::max_difference(once.slice(2, 5, -5).slice(3, 5, -5), small.slice(2, 5, -5).slice(3, 5, -5)), 1e-9);
}

TEST(KernelFamilies, BadValuesAreNamed) {
  EXPECT_THROW(make_kernel({.size = 0}), OptionError);
  EXPECT_THROW(make_kernel({.size = 300}), OptionError);
  EXPECT_THROW(make_kernel({.sigma_1 = -1.0}), OptionError);
  EXPECT_THROW(make_kernel({.family = KernelFamily::kSinc, .cutoff = 4.0}), OptionError);
  EXPECT_THROW(make_kernel({.family = KernelFamily::kLine, .size = 5, .length = 9.0}), OptionError);
  EXPECT_THROW(make_kernel({.family = KernelFamily::kBicubic, .scale = 2.5}), OptionError);
  try {
    make_kernel({.family = KernelFamily::kDisk, .radius = -2.0});
    FAIL();
  } catch (const OptionError& error) {
    EXPECT_NE(std::string(error.what()).find("radius = -2"), std::string::npos);
  }
}

TEST(ShiftedInside, LosesOnlyWhatLeaves) {
  double sum = 0.0;
  const BlurKernel narrow = make_kernel({.size = 21, .sigma_1 = 1.0, .sigma_2 = 1.0});
  const BlurKernel moved = shifted_inside(narrow, 0.5, &sum);
  EXPECT_NEAR(sum, 1.0, 1e-6);
  EXPECT_NEAR(moved.phase().y, 0.5, 1e-6);
  shifted_inside(make_kernel({.size = 7, .sigma_1 = 3.0, .sigma_2 = 3.0}), 0.5, &sum);
  EXPECT_LT(sum, 0.98);
}

TEST(CompareKernels, FindsTheShiftAndIsZeroThere) {
  const BlurKernel first = make_kernel({.size = 15, .sigma_1 = 2.0, .sigma_2 = 1.2, .angle = 0.5});
  const BlurKernel moved = first.moved_to({0.7, -1.3});
  const KernelDistance distance = compare_kernels(first, moved);
  EXPECT_NEAR(distance.shift_y, -0.7, 0.02);
  EXPECT_NEAR(distance.shift_x, 1.3, 0.02);
  EXPECT_GT(distance.psnr, 35.0);
  EXPECT_GT(distance.correlation, 0.999);
  const KernelDistance same = compare_kernels(first, first);
  EXPECT_EQ(same.shift_y, 0.0);
  EXPECT_GT(same.psnr, 200.0);
  const KernelDistance wrong = compare_kernels(first, make_kernel({.size = 15, .sigma_1 = 0.6, .sigma_2 = 0.6}));
  EXPECT_LT(wrong.psnr, 25.0);
  EXPECT_GT(wrong.aligned_l1, 0.3);
  // In place: of 5 x 5 weights two differ by 1, wherever the best fit lies.
  const auto point = [](int64_t x) {
    torch::Tensor weights = torch::zeros({5, 5});
    weights[2][x] = 1.0;
    return BlurKernel(weights);
  };
  EXPECT_NEAR(compare_kernels(point(2), point(3)).fkp_psnr, 10.0 * std::log10(25.0 / 2.0), 1e-9);
}

TEST(KernelPca, BasisIsOrthonormalAndHoldsItsFamily) {
  const KernelPca pca = KernelPca::srmd(600, 1);
  ASSERT_EQ(pca.basis().sizes(), (std::vector<int64_t>{15, 225}));
  const torch::Tensor gram = torch::matmul(pca.basis(), pca.basis().t());
  EXPECT_LT(max_difference(gram, torch::eye(15, torch::kFloat64)), 1e-9);
  const BlurKernel fresh = make_kernel({.size = 15, .sigma_1 = 2.3, .sigma_2 = 1.1, .angle = 1.0});
  EXPECT_GT(pca.energy(fresh), 0.995);
  const BlurKernel back = pca.decode(pca.encode(fresh));
  EXPECT_GT(compare_kernels(fresh, back).correlation, 0.997);
}

TEST(KernelPca, CodeIsTheProductWithColumnsBelowEachOther) {
  const KernelPca pca = KernelPca::fit({make_kernel({.size = 3}), make_kernel({.size = 3, .sigma_1 = 2.0})}, 3, 2);
  const BlurKernel lopsided(torch::arange(1, 10, torch::kFloat64).view({3, 3}));
  const torch::Tensor convolution = lopsided.weights().flip({0, 1});
  torch::Tensor columns = torch::empty({9}, torch::kFloat64);
  for (int64_t c = 0; c < 3; ++c) {
    for (int64_t r = 0; r < 3; ++r) columns[c * 3 + r] = convolution[r][c];
  }
  EXPECT_LT(max_difference(pca.encode(lopsided), torch::mv(pca.basis(), columns)), 1e-12);
}

}  // namespace
}  // namespace zsr
