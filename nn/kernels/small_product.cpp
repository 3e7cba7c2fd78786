#include "nn/kernels/small_product.h"

#include "nn/kernels/winograd/kernels.h"

#include <algorithm>
#include <numeric>

namespace zsr {

void small_product(int64_t m, int64_t n, int64_t k, const float* a, Strides strides, const float* b, float* out) {
  winograd::kernels().multiply(m, n, k, a, strides.row, strides.column, b, out, false);
}

void small_product(int64_t m, int64_t n, int64_t k, const double* a, Strides strides, const double* b, double* out) {
  for (int64_t r = 0; r < m; ++r) {
    double* const line = out + r * n;
    std::fill_n(line, n, 0.0);
    for (int64_t d = 0; d < k; ++d) {
      const double factor = a[r * strides.row + d * strides.column];
      for (int64_t c = 0; c < n; ++c) line[c] += factor * b[d * n + c];
    }
  }
}

void small_product_transposed(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* out) {
  winograd::kernels().multiply_transposed(m, n, k, a, b, out);
}

void small_product_transposed(int64_t m, int64_t n, int64_t k, const double* a, const double* b, double* out) {
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t c = 0; c < n; ++c) out[r * n + c] = std::inner_product(a + r * k, a + (r + 1) * k, b + c * k, 0.0);
  }
}

}  // namespace zsr
