#include "core/small_product.h"

#include "core/conv/winograd/kernels.h"

#include <torch/torch.h>

namespace zsr {
namespace {

bool in_blocks(int64_t length) {
  return length % winograd::kBlock == 0;
}

}  // namespace

torch::Tensor small_product(const torch::Tensor& a, const torch::Tensor& b) {
  if (!in_blocks(b.size(1)) || !b.is_contiguous()) return torch::mm(a, b);
  torch::Tensor product = torch::empty({a.size(0), b.size(1)}, torch::kFloat32);
  winograd::kernels().multiply(a.size(0), b.size(1), a.size(1), a.data_ptr<float>(), a.stride(0), a.stride(1),
                               b.data_ptr<float>(), product.data_ptr<float>(), false);
  return product;
}

torch::Tensor small_product_transposed(const torch::Tensor& a, const torch::Tensor& b) {
  if (!in_blocks(a.size(1)) || !a.is_contiguous() || !b.is_contiguous()) return torch::mm(a, b.t());
  torch::Tensor product = torch::empty({a.size(0), b.size(0)}, torch::kFloat32);
  winograd::kernels().multiply_transposed(a.size(0), b.size(0), a.size(1), a.data_ptr<float>(), b.data_ptr<float>(),
                                          product.data_ptr<float>());
  return product;
}

}  // namespace zsr
