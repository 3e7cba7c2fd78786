#include "degradations/estimation/blur/blur_family.h"

#include "degradations/downsample.h"
#include "degradations/estimation/blur/spectrum.h"
#include "tests/support/photo_like.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>

namespace zsr::blur {
namespace {

FamilyFit fit_under(KernelSpec spec) {
  spec.size = 31;
  spec.offset = 0.5;
  const torch::Tensor lr = downsample(test::photo_like(640, 3), make_kernel(spec), {2, 2});
  return fit_family(log_spectrum((255.0 * lr).round().div(255.0).clamp(0.0, 1.0)), 0.0);
}

TEST(FitFamily, FindsRadiusOfADisk) {
  for (const double radius : {4.0, 5.5}) {
    const FamilyFit fit = fit_under({.family = KernelFamily::kDisk, .radius = radius});
    EXPECT_EQ(fit.family, KernelFamily::kDisk) << radius;
    EXPECT_TRUE(is_certain(fit)) << radius << ": " << fit.misfit << " " << fit.next_misfit;
    EXPECT_NEAR(2.0 * fit.size, radius, 0.2);
  }
}

TEST(FitFamily, FindsLengthAndAngleOfMotion) {
  for (const double angle : {0.3, 1.2, 2.4}) {
    const FamilyFit fit = fit_under({.family = KernelFamily::kLine, .angle = angle, .length = 13.0});
    EXPECT_EQ(fit.family, KernelFamily::kLine) << angle;
    EXPECT_TRUE(is_certain(fit)) << angle << ": " << fit.misfit << " " << fit.next_misfit;
    EXPECT_NEAR(2.0 * fit.size, 13.0, 1.0);
    const double apart = std::remainder(fit.angle - angle, std::numbers::pi);
    EXPECT_NEAR(apart, 0.0, 0.08) << angle;
  }
}

TEST(FitFamily, GaussiansAreNoDisksAndNoLines) {
  for (const auto& [first, second] : {std::pair{1.8, 1.8}, {2.4, 1.1}}) {
    const FamilyFit fit = fit_under({.sigma_1 = first, .sigma_2 = second, .angle = 0.5});
    EXPECT_FALSE(is_certain(fit)) << first << ": " << fit.misfit << " " << fit.next_misfit;
  }
}

}  // namespace
}  // namespace zsr::blur
