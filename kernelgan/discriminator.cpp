#include "kernelgan/discriminator.h"

#include "core/small_product.h"
#include "kernelgan/channel_loops.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kWidth = 64;
constexpr int64_t kHidden = 5;
constexpr int64_t kPixels = Discriminator::kMap * Discriminator::kMap;
constexpr int64_t kFilter = 7;
constexpr double kInitGain = 0.1;

// Parameters in order: 7 x 7 weight, bias; per hidden layer weight, bias, scale, shift; last weight, bias.
constexpr size_t kPerHidden = 4;

std::vector<std::vector<int64_t>> shapes(int64_t channels) {
  std::vector<std::vector<int64_t>> all = {{kWidth, channels, kFilter, kFilter}, {kWidth}};
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

std::vector<float> unit_normal(int64_t length, Random& random) {
  std::vector<float> vector(static_cast<size_t>(length));
  float squares = 0.0F;
  for (float& value : vector) {
    value = static_cast<float>(random.normal());
    squares += value * value;
  }
  for (float& value : vector) value /= std::sqrt(squares);
  return vector;
}

// The 7 x 7 neighbourhoods of a patch as columns, [C * 49, 400].
torch::Tensor neighbourhoods(const torch::Tensor& patch) {
  constexpr int64_t kSide = Discriminator::kPatch;
  constexpr int64_t kMap = Discriminator::kMap;
  torch::Tensor columns = torch::empty({patch.size(1) * kFilter * kFilter, kPixels});
  float* out = columns.data_ptr<float>();
  for (int64_t c = 0; c < patch.size(1); ++c) {
    const float* const plane = patch.data_ptr<float>() + c * kSide * kSide;
    for (int64_t dy = 0; dy < kFilter; ++dy) {
      for (int64_t dx = 0; dx < kFilter; ++dx) {
        for (int64_t y = 0; y < kMap; ++y, out += kMap) std::copy_n(plane + (y + dy) * kSide + dx, kMap, out);
      }
    }
  }
  return columns;
}

// Adds columns back to where they came from: the transpose of `neighbourhoods`.
torch::Tensor gathered(const torch::Tensor& columns, int64_t channels) {
  constexpr int64_t kSide = Discriminator::kPatch;
  constexpr int64_t kMap = Discriminator::kMap;
  torch::Tensor patch = torch::zeros({1, channels, kSide, kSide});
  const float* in = columns.data_ptr<float>();
  for (int64_t c = 0; c < channels; ++c) {
    float* const plane = patch.data_ptr<float>() + c * kSide * kSide;
    for (int64_t dy = 0; dy < kFilter; ++dy) {
      for (int64_t dx = 0; dx < kFilter; ++dx) {
        for (int64_t y = 0; y < kMap; ++y, in += kMap) {
          float* const line = plane + (y + dy) * kSide + dx;
          for (int64_t x = 0; x < kMap; ++x) line[x] += in[x];
        }
      }
    }
  }
  return patch;
}

}  // namespace

Discriminator::Discriminator(int64_t channels, Random& random) : channels_(channels), parameters_(shapes(channels)) {
  for (size_t i = 0; i < kHidden + 2; ++i) {
    const size_t place = weight_place(i);
    parameters_.xavier_normal(place, kInitGain, random);
    const torch::Tensor& weight = parameters_[place];
    left_.push_back(unit_normal(weight.size(0), random));
    right_.push_back(unit_normal(weight.numel() / weight.size(0), random));
    if (i == 0 || i == kHidden + 1) continue;
    float* const scale = parameters_[place + 2].data_ptr<float>();
    for (int64_t c = 0; c < kWidth; ++c) scale[c] = static_cast<float>(1.0 + 0.02 * random.normal());
  }
}

Discriminator::Normalized Discriminator::normalize() {
  const torch::NoGradGuard no_grad;
  Normalized made;
  for (size_t i = 0; i < kHidden + 2; ++i) {
    const torch::Tensor& parameter = parameters_[weight_place(i)];
    const float* const matrix = parameter.data_ptr<float>();
    const auto rows = static_cast<int64_t>(left_[i].size());
    const auto columns = static_cast<int64_t>(right_[i].size());
    made.sigma.push_back(power_iteration(matrix, rows, columns, left_[i].data(), right_[i].data()));
    made.weight.push_back(torch::empty({rows, columns}, torch::kFloat32));
    float* const weight = made.weight.back().data_ptr<float>();
    const float inverse = 1.0F / made.sigma.back();
    for (int64_t k = 0; k < rows * columns; ++k) weight[k] = matrix[k] * inverse;
  }
  made.left = left_;
  made.right = right_;
  return made;
}

Discriminator::Pass Discriminator::forward(const torch::Tensor& patch, Normalized weights) const {
  const torch::NoGradGuard no_grad;
  Pass pass;
  pass.normalized_weights = std::move(weights);
  pass.columns = neighbourhoods(patch.contiguous());
  torch::Tensor x = pass.columns;
  for (size_t i = 0; i < kHidden + 2; ++i) {
    const size_t place = weight_place(i);
    pass.input.push_back(x);
    torch::Tensor z = small_product(pass.normalized_weights.weight[i], x);
    float* const values = z.data_ptr<float>();
    const float* const bias = parameters_[place + 1].data_ptr<float>();
    if (i == 0 || i == kHidden + 1) {
      for (int64_t c = 0; c < z.size(0); ++c) {
        for (int64_t p = 0; p < kPixels; ++p) values[c * kPixels + p] += bias[c];
      }
      x = z;
      continue;
    }
    // Batch normalisation takes the bias out again; only the record of the published network keeps it.
    const float* const scale = parameters_[place + 2].data_ptr<float>();
    const float* const shift = parameters_[place + 3].data_ptr<float>();
    x = torch::empty({kWidth, kPixels});
    std::vector<float> rstd(kWidth);
    for (int64_t c = 0; c < kWidth; ++c) {
      rstd[c] =
          normalize_and_rectify(values + c * kPixels, x.data_ptr<float>() + c * kPixels, kPixels, scale[c], shift[c]);
    }
    pass.normalized.push_back(z);
    pass.rstd.push_back(std::move(rstd));
  }
  pass.map = torch::sigmoid(x.view({-1}));
  return pass;
}

torch::Tensor Discriminator::chain(const Pass& pass, const torch::Tensor& map_gradient, Gradients* all) const {
  const torch::NoGradGuard no_grad;
  const Normalized& w = pass.normalized_weights;
  torch::Tensor dz = (map_gradient * pass.map * (1.0 - pass.map)).view({1, kPixels});
  for (size_t i = kHidden + 2; i-- > 0;) {
    if (all != nullptr) all->at_output[i] = dz;
    if (i == 0) break;
    torch::Tensor dx = small_product(w.weight[i].t(), dz);
    if (i > 1) {                    // the first convolution has neither normalisation nor ReLU
      const size_t hidden = i - 2;  // the batch normalisation below convolution i
      const size_t below = weight_place(i - 1);
      const float* const scale = parameters_[below + 2].data_ptr<float>();
      torch::Tensor dscale = torch::empty({kWidth});
      torch::Tensor dshift = torch::empty({kWidth});
      for (int64_t c = 0; c < kWidth; ++c) {
        std::array<float, 2> sums{};
        rectify_and_normalize_back(dx.data_ptr<float>() + c * kPixels,
                                   pass.normalized[hidden].data_ptr<float>() + c * kPixels,
                                   pass.input[i].data_ptr<float>() + c * kPixels, kPixels, scale[c],
                                   pass.rstd[hidden][static_cast<size_t>(c)], sums.data());
        dshift.data_ptr<float>()[c] = sums[0];
        dscale.data_ptr<float>()[c] = sums[1];
      }
      if (all != nullptr) {
        all->parts[below + 2] = dscale;
        all->parts[below + 3] = dshift;
      }
    }
    dz = dx;
  }
  return dz;
}

void Discriminator::weight_gradients(const Pass& pass, size_t first, size_t last, Gradients& all) const {
  const torch::NoGradGuard no_grad;
  const Normalized& w = pass.normalized_weights;
  for (size_t i = first; i < last; ++i) {
    // Through W / sigma with sigma = u' W v, u and v held fixed.
    const torch::Tensor& dz = all.at_output[i];
    torch::Tensor dw = small_product_transposed(dz, pass.input[i]);
    through_singular_value(dw.data_ptr<float>(), w.weight[i].data_ptr<float>(), dw.size(0), dw.size(1),
                           w.left[i].data(), w.right[i].data(), w.sigma[i]);
    all.parts[weight_place(i)] = dw.view({-1});
    all.parts[weight_place(i) + 1] = dz.sum(1);
  }
}

torch::Tensor Discriminator::input_gradient(const Pass& pass, const torch::Tensor& map_gradient) const {
  const torch::Tensor first = chain(pass, map_gradient, nullptr);
  return gathered(small_product(pass.normalized_weights.weight[0].t(), first), channels_);
}

torch::Tensor Discriminator::parameter_gradient(const Pass& pass, const torch::Tensor& map_gradient,
                                                SideThread* helper) const {
  Gradients all{std::vector<torch::Tensor>(kHidden + 2), std::vector<torch::Tensor>(parameters_.leaves().size())};
  chain(pass, map_gradient, &all);
  // The first convolution and one more weigh as much as all the others.
  constexpr size_t kHalf = 2;
  if (helper != nullptr) helper->start([&] { weight_gradients(pass, kHalf, kHidden + 2, all); });
  weight_gradients(pass, 0, kHalf, all);
  if (helper != nullptr) {
    helper->wait();
  } else {
    weight_gradients(pass, kHalf, kHidden + 2, all);
  }
  return torch::cat(all.parts);
}

}  // namespace zsr::kernelgan
