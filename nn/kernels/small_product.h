#pragma once

#include <cstdint>

namespace zsr {

/// How a matrix lies in memory: element (r, c) at r * row + c * column.
struct Strides {
  int64_t row;
  int64_t column;
};

/// out [m, n] = a [m, k] of any strides times b [k, n], both b and out contiguous; n a multiple of 16. On one thread,
/// by the register blocks of the fast convolution: about twice a general library's speed where all fits the cache.
void small_product(int64_t m, int64_t n, int64_t k, const float* a, Strides strides, const float* b, float* out);
/// The same by plain loops, for what must be exact.
void small_product(int64_t m, int64_t n, int64_t k, const double* a, Strides strides, const double* b, double* out);

/// out [m, n] = a [m, k] times the transpose of b [n, k], all contiguous; k a multiple of 16.
void small_product_transposed(int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* out);
void small_product_transposed(int64_t m, int64_t n, int64_t k, const double* a, const double* b, double* out);

}  // namespace zsr
