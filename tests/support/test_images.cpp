#include "tests/support/test_images.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <limits>

namespace zsr::test {

torch::Tensor random_bytes(int64_t channels, int64_t height, int64_t width, uint64_t seed) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return torch::randint(0, 256, {1, channels, height, width}, generator, torch::kFloat64).div(255.0);
}

torch::Tensor texture(int64_t channels, int64_t height, int64_t width, uint64_t seed) {
  const torch::Tensor noise = random_bytes(channels, height + 6, width + 6, seed);
  return torch::avg_pool2d(noise, 7, 1);
}

double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

}  // namespace zsr::test
