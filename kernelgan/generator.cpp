#include "kernelgan/generator.h"

#include <torch/torch.h>

#include <algorithm>

namespace zsr::kernelgan {
namespace {

constexpr int64_t kWidth = 64;
constexpr double kInitGain = 0.1;

std::vector<std::vector<int64_t>> shapes() {
  return {{kWidth, 1, 7, 7},      {kWidth, kWidth, 5, 5}, {kWidth, kWidth, 3, 3},
          {kWidth, kWidth, 1, 1}, {kWidth, kWidth, 1, 1}, {1, kWidth, 1, 1}};
}

// [channels, n, n] kernels below a layer's weights [channels, in, size, size]: the full convolution, summed over
// channels, as one matrix product whose patches are then added up at their places. [1, in, n + size - 1, n + size - 1].
torch::Tensor full_convolution(const torch::Tensor& kernels, int64_t n, const torch::Tensor& weights, int64_t size) {
  const torch::Tensor columns = torch::matmul(weights.view({weights.size(0), -1}).t(), kernels);
  const int64_t side = n + size - 1;
  return torch::col2im(columns.unsqueeze(0), {side, side}, {size, size}, {1, 1}, {0, 0}, {1, 1});
}

}  // namespace

Generator::Generator(Random& random, torch::Dtype dtype) : parameters_(shapes(), dtype) {
  for (size_t i = 0; i < parameters_.leaves().size(); ++i) parameters_.xavier_normal(i, kInitGain, random);
}

torch::Tensor Generator::kernel() const {
  const FlatParameters& w = parameters_;
  // The three 1 x 1 layers are a row vector times two matrices.
  torch::Tensor row = w[5].view({1, kWidth});
  row = torch::matmul(torch::matmul(row, w[4].view({kWidth, kWidth})), w[3].view({kWidth, kWidth}));
  // Then each larger layer: what a transposed convolution spreads is the full convolution of the two kernels.
  const torch::Tensor outer = torch::matmul(row, w[2].view({kWidth, kWidth * 9})).view({kWidth, 9});
  const torch::Tensor middle = full_convolution(outer, 3, w[1], 5);
  return full_convolution(middle.view({kWidth, 49}), 7, w[0], 7).view({kKernelSize, kKernelSize});
}

GeneratorPatch::GeneratorPatch(const torch::Tensor& patch)
    : image_(patch),
      height_((patch.size(2) - Generator::kKernelSize) / 2 + 1),
      width_((patch.size(3) - Generator::kKernelSize) / 2 + 1),
      columns_(torch::empty({patch.size(1), Generator::kKernelSize * Generator::kKernelSize, height_ * width_})) {
  // Even and odd columns apart: then the pixels that one weight meets along a row are neighbours.
  const torch::Tensor even = patch.slice(3, 0, patch.size(3), 2).to(torch::kFloat32).contiguous();
  const torch::Tensor odd = patch.slice(3, 1, patch.size(3), 2).to(torch::kFloat32).contiguous();
  float* out = columns_.data_ptr<float>();
  for (int64_t c = 0; c < patch.size(1); ++c) {
    for (int64_t dy = 0; dy < Generator::kKernelSize; ++dy) {
      for (int64_t dx = 0; dx < Generator::kKernelSize; ++dx) {
        const torch::Tensor& half = dx % 2 == 0 ? even : odd;
        const int64_t pitch = half.size(3);
        const float* const plane = half.data_ptr<float>() + c * half.size(2) * pitch;
        for (int64_t y = 0; y < height_; ++y, out += width_) {
          std::copy_n(plane + (2 * y + dy) * pitch + dx / 2, width_, out);
        }
      }
    }
  }
  columns_ = columns_.to(patch.scalar_type());
}

torch::Tensor GeneratorPatch::shrunken(const torch::Tensor& kernel) const {
  return torch::matmul(kernel.reshape({1, -1}), columns_).view({1, columns_.size(0), height_, width_});
}

}  // namespace zsr::kernelgan
