#include "kernelgan/flat_parameters.h"

#include <torch/types.h>

#include <cmath>
#include <numeric>

namespace zsr::kernelgan {
namespace {

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

int64_t total(const std::vector<std::vector<int64_t>>& shapes) {
  int64_t count = 0;
  for (const auto& shape : shapes) count += product(shape);
  return count;
}

}  // namespace

FlatParameters::FlatParameters(const std::vector<std::vector<int64_t>>& shapes, torch::Dtype dtype)
    : flat_(torch::zeros({total(shapes)}, dtype)), adam_(total(shapes), torch::kCPU, 0.5, 0.999) {
  int64_t at = 0;
  for (const auto& shape : shapes) {
    const int64_t count = product(shape);
    leaves_.push_back(flat_.narrow(0, at, count).view(shape).detach().requires_grad_());
    at += count;
  }
}

void FlatParameters::descend(const torch::Tensor& gradient, double learning_rate) {
  const torch::NoGradGuard no_grad;
  adam_.step(flat_, gradient, learning_rate);
}

void FlatParameters::xavier_normal(size_t index, double gain, Random& random) {
  const torch::Tensor& leaf = leaves_[index];
  const double area = static_cast<double>(leaf.size(2) * leaf.size(3));
  const double deviation = gain * std::sqrt(2.0 / (area * static_cast<double>(leaf.size(0) + leaf.size(1))));
  torch::Tensor values = torch::empty(leaf.sizes(), torch::kFloat64);
  double* const out = values.data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) out[i] = deviation * random.normal();
  const torch::NoGradGuard no_grad;
  leaf.detach().copy_(values);
}

}  // namespace zsr::kernelgan
