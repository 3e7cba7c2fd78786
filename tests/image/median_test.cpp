#include "image/median.h"

#include "tests/support/test_images.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace zsr {
namespace {

TEST(MedianOf, MatchesSortingForEveryCount) {
  for (int64_t count = 1; count <= 9; ++count) {
    std::vector<torch::Tensor> images;
    for (int64_t i = 0; i < count; ++i) images.push_back(test::random_bytes(3, 19, 31, 10 + i).to(torch::kFloat32));
    const torch::Tensor sorted = std::get<0>(torch::stack(images).sort(0));
    const torch::Tensor want = (sorted[(count - 1) / 2] + sorted[count / 2]) * 0.5;
    EXPECT_LT(test::max_difference(median_of(images), want), 1e-7) << count;
  }
}

}  // namespace
}  // namespace zsr
