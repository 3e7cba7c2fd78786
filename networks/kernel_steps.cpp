#include "networks/kernel_steps.h"

#include <torch/types.h>

#include <vector>

namespace zsr::networks {
namespace {

torch::Tensor mirrored(const torch::Tensor& x, int64_t side) {
  const int64_t pad = side / 2;
  return torch::reflection_pad2d(x, {pad, pad, pad, pad});
}

// Each image's own kernel for each of its channels: weights of a grouped convolution of one large image.
torch::Tensor for_each_channel(const torch::Tensor& kernels, int64_t channels) {
  return kernels.repeat_interleave(channels, 0);
}

}  // namespace

torch::Tensor reblur_error(const torch::Tensor& x, const torch::Tensor& y, const torch::Tensor& kernels, int64_t s) {
  const torch::Tensor wide = mirrored(x, kernels.size(2));
  const torch::Tensor weights = for_each_channel(kernels, x.size(1));
  const torch::Tensor blurred = torch::convolution(wide.flatten(0, 1).unsqueeze(0), weights, {}, {s, s}, {0, 0}, {1, 1},
                                                   false, {0, 0}, weights.size(0));
  return blurred.view(y.sizes()) - y;
}

torch::Tensor kernel_gradient(const torch::Tensor& x, const torch::Tensor& error, int64_t side, int64_t s) {
  const torch::Tensor wide = mirrored(x, side);
  const int64_t height = error.size(2);
  const torch::Tensor flat = error.reshape({error.size(0), -1, 1});
  // Row by row of the kernel: all at once, the shifted photos would take k^2 times the photo's memory.
  std::vector<torch::Tensor> rows;
  for (int64_t row = 0; row < side; ++row) {
    const torch::Tensor lines = wide.slice(2, row, row + s * (height - 1) + 1, s);
    const torch::Tensor shifted = lines.unfold(3, side, s).reshape({x.size(0), -1, side});
    rows.push_back(torch::bmm(shifted.transpose(1, 2), flat).transpose(1, 2));
  }
  return torch::cat(rows, 1).unsqueeze(1) / static_cast<double>(flat.size(1));
}

torch::Tensor spread_error(const torch::Tensor& error, const torch::Tensor& kernels, int64_t s) {
  const int64_t pad = kernels.size(2) / 2;
  const auto spread = [&](const torch::Tensor& image, const torch::Tensor& weights) {
    return torch::conv_transpose2d(image.flatten(0, 1).unsqueeze(0), weights, {}, s, pad, s - 1, weights.size(0));
  };
  const torch::Tensor made = spread(error, for_each_channel(kernels, error.size(1)))
                                 .view({error.size(0), error.size(1), error.size(2) * s, error.size(3) * s});
  constexpr double kLeast = 1e-10;
  const torch::Tensor ones = torch::ones_like(error.narrow(1, 0, 1));
  return made / (spread(ones, kernels).view({error.size(0), 1, made.size(2), made.size(3)}) + kLeast);
}

}  // namespace zsr::networks
