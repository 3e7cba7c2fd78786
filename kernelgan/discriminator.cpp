#include "kernelgan/discriminator.h"

#include <torch/torch.h>

#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kHidden = 5;
constexpr double kInitGain = 0.1;

// Parameters in order: 7 x 7 weight, bias; per hidden layer weight, bias, scale, shift; last weight, bias.
constexpr size_t kPerHidden = 4;

std::vector<std::vector<int64_t>> shapes(int64_t channels) {
  std::vector<std::vector<int64_t>> all = {{kWidth, channels, 7, 7}, {kWidth}};
  for (int64_t i = 0; i < kHidden; ++i) {
    all.insert(all.end(), {{kWidth, kWidth, 1, 1}, {kWidth}, {kWidth}, {kWidth}});
  }
  all.insert(all.end(), {{1, kWidth, 1, 1}, {1}});
  return all;
}

// Index of the weight of convolution `index` among the parameters.
size_t weight_place(size_t index) {
  return index == 0 ? 0 : 2 + (index - 1) * kPerHidden;
}

torch::Tensor unit_normal(int64_t length, Random& random, torch::Dtype dtype) {
  torch::Tensor vector = torch::empty({length}, torch::kFloat64);
  for (int64_t i = 0; i < length; ++i) vector[i] = random.normal();
  return (vector / vector.norm()).to(dtype);
}

torch::Tensor normalized_vector(const torch::Tensor& vector) {
  return vector / vector.norm().clamp_min(1e-12);
}

}  // namespace

Discriminator::Discriminator(int64_t channels, Random& random, torch::Dtype dtype)
    : channels_(channels), parameters_(shapes(channels), dtype) {
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < kHidden + 2; ++i) {
    const size_t place = weight_place(i);
    parameters_.xavier_normal(place, kInitGain, random);
    const torch::Tensor& weight = parameters_[place];
    left_.push_back(unit_normal(weight.size(0), random, dtype));
    right_.push_back(unit_normal(weight.numel() / weight.size(0), random, dtype));
    if (i == 0 || i == kHidden + 1) continue;
    torch::Tensor scale = parameters_[place + 2].detach();
    for (int64_t c = 0; c < kWidth; ++c) scale[c] = 1.0 + 0.02 * random.normal();
  }
}

torch::Tensor Discriminator::normalized(size_t index) {
  const torch::Tensor& weight = parameters_[weight_place(index)];
  const torch::Tensor matrix = weight.view({weight.size(0), -1});
  {
    const torch::NoGradGuard no_grad;
    const torch::Tensor plain = matrix.detach();
    right_[index] = normalized_vector(torch::mv(plain.t(), left_[index]));
    left_[index] = normalized_vector(torch::mv(plain, right_[index]));
  }
  return matrix / torch::dot(left_[index], torch::mv(matrix, right_[index]));
}

torch::Tensor Discriminator::forward(const torch::Tensor& patch) {
  const FlatParameters& p = parameters_;
  const torch::Tensor columns = torch::im2col(patch, {7, 7}, {1, 1}, {0, 0}, {1, 1})[0];  // [C * 49, 400]
  torch::Tensor map = torch::addmm(p[1].unsqueeze(1), normalized(0), columns);
  for (size_t i = 1; i <= kHidden; ++i) {
    const size_t place = weight_place(i);
    map = torch::addmm(p[place + 1].unsqueeze(1), normalized(i), map);
    constexpr double kMomentum = 0.1;
    constexpr double kEpsilon = 1e-5;
    map = torch::batch_norm(map.unsqueeze(0), p[place + 2], p[place + 3], {}, {}, true, kMomentum, kEpsilon, false)[0];
    map = torch::relu(map);
  }
  const size_t last = weight_place(kHidden + 1);
  return torch::sigmoid(torch::addmm(p[last + 1].unsqueeze(1), normalized(kHidden + 1), map)).view({-1});
}

}  // namespace zsr::kernelgan
