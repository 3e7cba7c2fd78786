#include "nn/kernels/small_product.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>

namespace zsr {
namespace {

template <class Real>
constexpr torch::Dtype kType = std::is_same_v<Real, float> ? torch::kFloat32 : torch::kFloat64;

// Largest difference from LibTorch's product in double precision.
double worst(const torch::Tensor& product, const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor wanted = torch::mm(a.to(torch::kFloat64), b.to(torch::kFloat64));
  return (product.to(torch::kFloat64) - wanted).abs().max().item<double>();
}

template <class Real>
double worst_of_product(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor out = torch::full({a.size(0), b.size(1)}, 7.0, kType<Real>);
  small_product(a.size(0), b.size(1), a.size(1), a.data_ptr<Real>(), {a.stride(0), a.stride(1)}, b.data_ptr<Real>(),
                out.data_ptr<Real>());
  return worst(out, a, b);
}

template <class Real>
double worst_of_transposed(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor out = torch::full({a.size(0), b.size(0)}, 7.0, kType<Real>);
  small_product_transposed(a.size(0), b.size(0), a.size(1), a.data_ptr<Real>(), b.data_ptr<Real>(),
                           out.data_ptr<Real>());
  return worst(out, a, b.t());
}

TEST(SmallProduct, EqualsTheProductInDouble) {
  torch::manual_seed(1);
  // Rows, depth, columns: blocks that fit and remainders of every kind.
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{64, 147, 400}, {1, 64, 400}, {7, 3, 16}, {13, 5, 48}}) {
    for (const bool turned : {false, true}) {
      const torch::Tensor a = turned ? torch::randn({k, m}).t() : torch::randn({m, k});
      const torch::Tensor b = torch::randn({k, n});
      EXPECT_LT(worst_of_product<float>(a, b), 1e-4) << m << " " << k << " " << n;
      EXPECT_LT(worst_of_product<double>(a.to(torch::kFloat64), b.to(torch::kFloat64)), 1e-12);
    }
  }
}

TEST(SmallProduct, TransposedEqualsTheProductInDouble) {
  torch::manual_seed(2);
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{64, 400, 147}, {1, 400, 64}, {5, 16, 3}}) {
    const torch::Tensor a = torch::randn({m, k});
    const torch::Tensor b = torch::randn({n, k});
    EXPECT_LT(worst_of_transposed<float>(a, b), 1e-4) << m << " " << k << " " << n;
    EXPECT_LT(worst_of_transposed<double>(a.to(torch::kFloat64), b.to(torch::kFloat64)), 1e-12);
  }
}

}  // namespace
}  // namespace zsr
