#include "core/small_product.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <array>

namespace zsr {
namespace {

// Largest difference from the product in double precision.
double worst(const torch::Tensor& product, const torch::Tensor& a, const torch::Tensor& b) {
  return (product.to(torch::kFloat64) - torch::mm(a.to(torch::kFloat64), b.to(torch::kFloat64)))
      .abs()
      .max()
      .item<double>();
}

TEST(SmallProduct, EqualsTheProductInDouble) {
  torch::manual_seed(1);
  // Rows, depth, columns: blocks that fit, remainders of every kind, columns that have no blocks.
  for (const auto& [m, k, n] :
       {std::array<int64_t, 3>{64, 147, 400}, {1, 64, 400}, {7, 3, 16}, {13, 5, 48}, {6, 9, 7}}) {
    const torch::Tensor a = torch::randn({m, k});
    const torch::Tensor b = torch::randn({k, n});
    EXPECT_LT(worst(small_product(a, b), a, b), 1e-4) << m << " " << k << " " << n;
    const torch::Tensor turned = torch::randn({k, m}).t();
    EXPECT_LT(worst(small_product(turned, b), turned, b), 1e-4) << m << " " << k << " " << n;
  }
}

TEST(SmallProduct, TransposedEqualsTheProductInDouble) {
  torch::manual_seed(2);
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{64, 400, 147}, {1, 400, 64}, {5, 16, 3}, {4, 7, 9}}) {
    const torch::Tensor a = torch::randn({m, k});
    const torch::Tensor b = torch::randn({n, k});
    EXPECT_LT(worst(small_product_transposed(a, b), a, b.t()), 1e-4) << m << " " << k << " " << n;
  }
}

}  // namespace
}  // namespace zsr
