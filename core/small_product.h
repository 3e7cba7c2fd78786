#pragma once

#include <torch/types.h>

namespace zsr {

/// a [m, k] times b [k, n], both float32 and of any strides in `a`, contiguous in `b`; [m, n]. On one thread, by the
/// register blocks of the fast convolution: about twice a general library's speed where both fit the cache. Where n is
/// not a multiple of 16 it is torch::mm.
torch::Tensor small_product(const torch::Tensor& a, const torch::Tensor& b);

/// a [m, k] times the transpose of b [n, k], both contiguous float32: [m, n]. Fast where k is a multiple of 16.
torch::Tensor small_product_transposed(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace zsr
