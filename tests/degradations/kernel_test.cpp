#include "degradations/kernel.h"

#include "core/error.h"
#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace zsr {
namespace {

using test::lopsided;
using test::max_difference;

TEST(BlurKernel, SumsToOne) {
  const BlurKernel kernel(lopsided() * 17.0);
  EXPECT_NEAR(kernel.weights().sum().item<double>(), 1.0, 1e-14);
}

TEST(BlurKernel, CenterOfMassAndPhase) {
  const BlurKernel kernel(lopsided());
  // By hand: rows (0 + 3 + 10 + 6) / 11, columns (0 + 7 + 2 + 12 + 4) / 15; anchors 4 / 2 and 5 / 2.
  EXPECT_NEAR(kernel.center_of_mass()[0], 19.0 / 11.0, 1e-12);
  EXPECT_NEAR(kernel.center_of_mass()[1], 25.0 / 15.0, 1e-12);
  EXPECT_NEAR(kernel.phase().y, 19.0 / 11.0 - 2.0, 1e-12);
  EXPECT_NEAR(kernel.phase().x, 25.0 / 15.0 - 2.0, 1e-12);
}

// scipy.ndimage.shift(np.pad(k, 2), (0.3, -0.65)), order 3; row 3 of its result.
TEST(BlurKernel, SplineShiftMatchesScipy) {
  const BlurKernel kernel(lopsided());
  const Phase now = kernel.phase();
  const BlurKernel moved = kernel.moved_to({now.y + 0.3, now.x - 0.65});
  ASSERT_EQ(moved.weights().sizes(), (std::vector<int64_t>{8, 9}));
  const torch::Tensor want = torch::tensor({-0.0001871779262, 0.008342559024, 0.08563667015, 0.03938761878,
                                            0.03784520727, 0.03348616089, -5.414746057e-06, 0.0001007881141, 0.0},
                                           torch::kFloat64);
  // The moved kernel is normalised again; scipy's result sums to 0.99998.
  EXPECT_LT(max_difference(moved.weights()[3] / moved.weights()[3].sum(), want / want.sum()), 1e-8);
}

TEST(BlurKernel, MovedKernelStandsWhereAsked) {
  const BlurKernel gaussian = gaussian_kernel(13, 1.6, 2.2, 0.4);
  for (const Phase wanted : {Phase{0.5, 0.5}, Phase{0.0, 0.0}, Phase{1.5, -0.5}, Phase{-3.2, 4.1}}) {
    const Phase got = gaussian.moved_to(wanted).phase();
    EXPECT_NEAR(got.y, wanted.y, 2e-3);
    EXPECT_NEAR(got.x, wanted.x, 2e-3);
  }
}

TEST(BlurKernel, MovingToItsOwnPlaceChangesNothing) {
  const BlurKernel kernel(lopsided());
  EXPECT_EQ(max_difference(kernel.moved_to(kernel.phase()).weights(), kernel.weights()), 0.0);
}

TEST(BlurKernel, SymmetryIsSeenWhereverItStands) {
  EXPECT_TRUE(gaussian_kernel(15, 1.5, 1.5).is_symmetric());
  EXPECT_TRUE(gaussian_kernel(15, 1.5, 1.5, 0.0, {0.5, 0.5}).is_symmetric());
  EXPECT_TRUE(gaussian_kernel(21, 2.0, 2.0).moved_to({0.5, 0.5}).is_symmetric());
  EXPECT_FALSE(gaussian_kernel(15, 1.2, 2.4).is_symmetric());
  EXPECT_FALSE(gaussian_kernel(15, 1.2, 2.4, 0.7).is_symmetric());
  EXPECT_FALSE(BlurKernel(lopsided()).is_symmetric());
}

TEST(BlurKernel, KairConventionIsAFlip) {
  const BlurKernel kernel = BlurKernel::from_convention(lopsided(), KernelConvention::kKair);
  // True convolution with the anchor at size / 2 on both sides: hr[n] * k = sum_j k[j] hr[n - j + anchor].
  const torch::Tensor k = lopsided() / lopsided().sum();
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 5; ++x) {
      const int64_t offset_y = 4 / 2 - y;  // pixel that weight (y, x) reads, relative to n
      const int64_t offset_x = 5 / 2 - x;
      EXPECT_DOUBLE_EQ(kernel.weights()[kernel.anchor_y() + offset_y][kernel.anchor_x() + offset_x].item<double>(),
                       k[y][x].item<double>());
    }
  }
}

TEST(BlurKernel, ConventionsRoundTrip) {
  for (const KernelConvention convention : {KernelConvention::kZssr, KernelConvention::kKair, KernelConvention::kFkp}) {
    const BlurKernel gaussian = gaussian_kernel(11, 1.2, 2.0, 0.3, {0.5, 0.5});
    const BlurKernel back = BlurKernel::from_convention(gaussian.to_convention(convention), convention);
    EXPECT_NEAR(back.phase().y, gaussian.phase().y, 1e-12);
    EXPECT_LT(max_difference(back.weights(), gaussian.weights()), 1e-15);
  }
}

TEST(BlurKernel, KairGeneratedKernelsAreAligned) {
  // KAIR gen_kernel centres at size // 2 - 0.5 * (s - 1); flipped into zsr's order that is the aligned phase (s - 1)
  // / 2.
  const torch::Tensor written = gaussian_kernel(15, 1.4, 1.4, 0.0, {-0.5, -0.5}).weights();
  const Phase phase = BlurKernel::from_convention(written, KernelConvention::kKair).phase();
  EXPECT_NEAR(phase.y, 0.5, 1e-5);  // the Gaussian's tails are cut at the array's edge
  EXPECT_NEAR(phase.x, 0.5, 1e-5);
}

TEST(BlurKernel, RefusesWhatIsNoKernel) {
  const auto refused = [](const torch::Tensor& weights, const char* text) {
    try {
      BlurKernel kernel(weights, "kernel 'k.txt'");
      FAIL() << "accepted: " << text;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).rfind("kernel 'k.txt'", 0), 0U);
    }
  };
  refused(torch::ones({3, 3, 3}), "2-D");
  refused(torch::zeros({3, 3}), "all zero");
  refused(torch::full({3, 3}, std::nan("")), "NaN");
  refused(-torch::ones({3, 3}), "positive sum");
  refused(torch::ones({0, 3}), "rows and columns");
  refused(torch::ones({3, 600}), "rows and columns");
}

}  // namespace
}  // namespace zsr
