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

// What a transposed convolution spreads is the full convolution of two kernels. [channels, n * n] kernels below a
// layer's weights [channels, in, size, size], summed over channels, as one matrix product whose patches are then added
// up at their places: [1, in, n + size - 1, n + size - 1].
torch::Tensor full_convolution(const torch::Tensor& kernels, int64_t n, const torch::Tensor& weights, int64_t size) {
  const torch::Tensor columns = torch::mm(weights.view({weights.size(0), -1}).t(), kernels);
  const int64_t side = n + size - 1;
  return torch::col2im(columns.unsqueeze(0), {side, side}, {size, size}, {1, 1}, {0, 0}, {1, 1});
}

// Its gradients from that of its result, [1, in, n + size - 1, n + size - 1].
struct FullConvolutionGradient {
  torch::Tensor kernels;
  torch::Tensor weights;
};
FullConvolutionGradient full_convolution_back(const torch::Tensor& gradient, const torch::Tensor& kernels,
                                              const torch::Tensor& weights, int64_t size) {
  const torch::Tensor columns = torch::im2col(gradient, {size, size}, {1, 1}, {0, 0}, {1, 1})[0];
  return {torch::mm(weights.view({weights.size(0), -1}), columns), torch::mm(kernels, columns.t())};
}

}  // namespace

Generator::Generator(Random& random, torch::Dtype dtype) : parameters_(shapes(), dtype) {
  for (size_t i = 0; i < parameters_.leaves().size(); ++i) parameters_.xavier_normal(i, kInitGain, random);
}

Generator::Composition Generator::compose() const {
  const torch::NoGradGuard no_grad;
  const FlatParameters& w = parameters_;
  Composition made;
  // The three 1 x 1 layers are a row vector times two matrices.
  made.row5 = w[5].detach().view({1, kWidth});
  made.row4 = torch::mm(made.row5, w[4].view({kWidth, kWidth}));
  made.row3 = torch::mm(made.row4, w[3].view({kWidth, kWidth}));
  made.outer = torch::mm(made.row3, w[2].view({kWidth, kWidth * 9})).view({kWidth, 9});
  made.middle = full_convolution(made.outer, 3, w[1], 5).view({kWidth, 49});
  made.kernel = full_convolution(made.middle, 7, w[0], 7).view({kKernelSize, kKernelSize});
  return made;
}

torch::Tensor Generator::gradient(const Composition& made, const torch::Tensor& kernel_gradient) const {
  const torch::NoGradGuard no_grad;
  const FlatParameters& w = parameters_;
  const auto inner =
      full_convolution_back(kernel_gradient.view({1, 1, kKernelSize, kKernelSize}), made.middle, w[0], 7);
  const auto middle = full_convolution_back(inner.kernels.view({1, kWidth, 7, 7}), made.outer, w[1], 5);
  const torch::Tensor outer = middle.kernels.view({1, kWidth * 9});
  const torch::Tensor row3 = torch::mm(outer, w[2].view({kWidth, kWidth * 9}).t());
  const torch::Tensor row4 = torch::mm(row3, w[3].view({kWidth, kWidth}).t());
  const torch::Tensor row5 = torch::mm(row4, w[4].view({kWidth, kWidth}).t());
  return torch::cat({inner.weights.reshape({-1}), middle.weights.reshape({-1}),
                     torch::mm(made.row3.t(), outer).view({-1}), torch::mm(made.row4.t(), row3).view({-1}),
                     torch::mm(made.row5.t(), row4).view({-1}), row5.view({-1})});
}

GeneratorPatch::GeneratorPatch(const torch::Tensor& patch)
    : channels_(patch.size(1)),
      height_((patch.size(2) - Generator::kKernelSize) / 2 + 1),
      width_((patch.size(3) - Generator::kKernelSize) / 2 + 1),
      columns_(torch::empty({Generator::kKernelSize * Generator::kKernelSize, channels_ * height_ * width_})) {
  // Even and odd columns apart: then the pixels that one weight meets along a row are neighbours.
  const torch::Tensor even = patch.slice(3, 0, patch.size(3), 2).to(torch::kFloat32).contiguous();
  const torch::Tensor odd = patch.slice(3, 1, patch.size(3), 2).to(torch::kFloat32).contiguous();
  float* out = columns_.data_ptr<float>();
  for (int64_t dy = 0; dy < Generator::kKernelSize; ++dy) {
    for (int64_t dx = 0; dx < Generator::kKernelSize; ++dx) {
      const torch::Tensor& half = dx % 2 == 0 ? even : odd;
      const int64_t pitch = half.size(3);
      for (int64_t c = 0; c < channels_; ++c) {
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
  return torch::mv(columns_.t(), kernel.reshape({-1})).view({1, channels_, height_, width_});
}

torch::Tensor GeneratorPatch::kernel_gradient(const torch::Tensor& output_gradient) const {
  return torch::mv(columns_, output_gradient.reshape({-1})).view({Generator::kKernelSize, Generator::kKernelSize});
}

}  // namespace zsr::kernelgan
