#include "image/dihedral.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

TEST(Dihedral, EightDifferentViewsThatInvert) {
  const torch::Tensor image = test::random_bytes(1, 5, 5);
  for (int64_t i = 0; i < 8; ++i) {
    EXPECT_EQ(test::max_difference(inverse_dihedral(dihedral(image, i), i), image), 0.0) << i;
    for (int64_t j = 0; j < i; ++j) EXPECT_GT(test::max_difference(dihedral(image, i), dihedral(image, j)), 0.0);
  }
}

TEST(Dihedral, QuarterTurnsSwapTheSides) {
  const torch::Tensor image = test::random_bytes(3, 4, 7);
  EXPECT_EQ(dihedral(image, 1).sizes(), (std::vector<int64_t>{1, 3, 7, 4}));
  EXPECT_EQ(dihedral(image, 6).sizes(), image.sizes());
  EXPECT_EQ(test::max_difference(inverse_dihedral(dihedral(image, 5), 5), image), 0.0);
}

}  // namespace
}  // namespace zsr
