#include "image/warp.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

TEST(WarpAffine, IdentityAndWholeShiftsAreExact) {
  const torch::Tensor image = test::texture(3, 12, 15).to(torch::kFloat32);
  EXPECT_LT(test::max_difference(warp_affine(image, {1, 0, 0, 0, 1, 0, 0, 0, 1}, 12, 15), image), 1e-6);
  const torch::Tensor moved = warp_affine(image, {1, 0, -4, 0, 1, -3, 0, 0, 1}, 8, 8);
  EXPECT_LT(test::max_difference(moved, image.slice(2, 3, 11).slice(3, 4, 12)), 1e-6);
}

TEST(WarpAffine, OutsideIsBlack) {
  const torch::Tensor image = torch::ones({1, 1, 6, 6});
  const torch::Tensor moved = warp_affine(image, {1, 0, 20, 0, 1, 20, 0, 0, 1}, 6, 6);
  EXPECT_EQ(moved.abs().max().item<float>(), 0.0F);
}

TEST(Affine, MultiplyIsMatrixProduct) {
  const Affine a{1, 2, 3, 4, 5, 6, 7, 8, 10};
  const Affine b{2, 0, 1, 1, 3, 0, 0, 1, 1};
  const Affine want{4, 9, 4, 13, 21, 10, 22, 34, 17};
  EXPECT_EQ(multiply(a, b), want);
}

}  // namespace
}  // namespace zsr
