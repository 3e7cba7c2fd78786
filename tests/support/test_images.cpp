#include "tests/support/test_images.h"

#include "core/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/types.h>

#include <cmath>
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

torch::Tensor waves_and_rings() {
  const torch::Tensor y = torch::arange(200, torch::kFloat64).view({-1, 1});
  const torch::Tensor x = torch::arange(300, torch::kFloat64).view({1, -1});
  std::vector<torch::Tensor> channels;
  for (int64_t c = 0; c < 3; ++c) {
    const torch::Tensor wave = 60.0 * torch::sin(0.11 * x + 0.05 * y) * torch::cos(0.03 * x * y / 50.0);
    const torch::Tensor fine = (25.0 + 9.0 * static_cast<double>(c)) * torch::sin(0.9 * x + c) * torch::sin(0.7 * y);
    const torch::Tensor rings = 20.0 * torch::sin(1e-2 * (x * x + 2.0 * y * y + 3.0 * x * c));
    channels.push_back(torch::floor(127.5 + wave + fine + rings + 0.5));
  }
  return torch::stack(channels).unsqueeze(0) / 255.0;
}

torch::Tensor squares(int64_t side, uint64_t seed) {
  Random random(seed);
  torch::Tensor image = torch::full({side, side}, 0.5);
  const torch::Tensor line = torch::arange(side, torch::kFloat32);
  for (int i = 0; i < 300; ++i) {
    const double angle = random.uniform(0.0, 3.14159);
    const torch::Tensor dx = line.unsqueeze(0) - random.uniform(0.0, static_cast<double>(side));
    const torch::Tensor dy = line.unsqueeze(1) - random.uniform(0.0, static_cast<double>(side));
    const double half = random.uniform(6.0, 60.0);
    const torch::Tensor u = (dx * std::cos(angle) + dy * std::sin(angle)).abs();
    const torch::Tensor v = (dy * std::cos(angle) - dx * std::sin(angle)).abs();
    image = torch::where((u < half).logical_and(v < half), torch::full({}, random.uniform(0.1, 0.9)), image);
  }
  return image.to(torch::kFloat32).view({1, 1, side, side});
}

torch::Tensor lopsided() {
  return torch::outer(torch::tensor({1.0, 3.0, 5.0, 2.0}, torch::kFloat64),
                      torch::tensor({2.0, 7.0, 1.0, 4.0, 1.0}, torch::kFloat64));
}

double max_difference(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

}  // namespace zsr::test
