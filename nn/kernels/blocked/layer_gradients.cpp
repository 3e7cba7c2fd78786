#include "nn/kernels/blocked/layers.h"
#include "nn/kernels/blocked/ready.h"
#include "nn/kernels/winograd/layout.h"

#include <torch/types.h>

namespace zsr::blocked {

Image Layers::convolve_back(const Image& gradient, const torch::Tensor& weight, const Finish& finish, Image to) {
  const Ready done = ready(finish, to);
  convolver_.convolve(gradient.values(), gradient.shape, weight.detach().contiguous(), true, to.values(), to.shape,
                      done.epilogue);
  return to;
}

Image Layers::mix_back(const Image& gradient, const torch::Tensor& weight, const Finish& finish, Image to) {
  return mix({gradient}, weight.detach().flatten(1).transpose(0, 1), finish, to);
}

Image Layers::filter_back(const Image& gradient, const torch::Tensor& weight, int64_t dilation, const Finish& finish,
                          Image to) {
  return filter(gradient, weight.detach().flip({2, 3}), dilation, finish, to);
}

torch::Tensor Layers::convolve_gradient(const std::vector<Image>& from, const Image& gradient) {
  std::vector<torch::Tensor> all;
  for (const Image& image : from) {
    torch::Tensor own = torch::empty({gradient.shape.channels, image.shape.channels, 3, 3}, torch::kFloat32);
    convolver_.accumulate_gradients(image.values(), image.shape, gradient.values(), gradient.shape, own, nullptr);
    all.push_back(own);
  }
  return all.size() == 1 ? all.front() : torch::cat(all, 1);
}

torch::Tensor Layers::mix_gradient(const std::vector<Image>& from, const Image& gradient) {
  const ImageShape& shape = gradient.shape;
  constexpr int64_t kProduct = kBlock * kBlock;
  std::vector<torch::Tensor> all;
  for (const Image& image : from) {
    const int64_t blocks = image.shape.blocks();
    const torch::Tensor sums =
        summed(shape.batch * shape.height, blocks * shape.blocks() * kProduct, [&](int64_t row, float* to) {
          const int64_t n = row / shape.height;
          const float* const a = image.values() + row_offset(image.shape, n, row % shape.height);
          const float* const g = gradient.values() + row_offset(shape, n, row % shape.height);
          for (int64_t i = 0; i < blocks; ++i) {
            for (int64_t k = 0; k < shape.blocks(); ++k, to += kProduct) {
              kernels_.multiply(kBlock, kBlock, shape.width, a + i * image.shape.block_stride(), 1, kBlock,
                                g + k * shape.block_stride(), to, true);
            }
          }
        });
    // [in block, out block, in, out] to [out, in].
    const torch::Tensor matrix = sums.view({blocks, shape.blocks(), kBlock, kBlock})
                                     .permute({1, 3, 0, 2})
                                     .reshape({shape.blocks() * kBlock, blocks * kBlock});
    all.push_back(matrix.narrow(0, 0, shape.channels).narrow(1, 0, image.shape.channels));
  }
  return torch::cat(all, 1).unsqueeze(2).unsqueeze(3);
}

torch::Tensor Layers::filter_gradient(const Image& from, const Image& gradient, int64_t side, int64_t dilation) {
  ImageShape shape = gradient.shape;
  const Image image = from.shape == shape ? from : finish({from}, {});
  const Image own = gradient.shape.whole == image.shape.whole ? gradient : finish({gradient}, {});
  shape = own.shape;
  const int64_t taps = side * side;
  const torch::Tensor sums =
      summed(shape.batch * shape.height, shape.blocks() * taps * kBlock, [&](int64_t row, float* to) {
        const int64_t start = row / shape.height * shape.image_stride();
        for (int64_t b = 0; b < shape.blocks(); ++b) {
          kernels_.filter_gradient(image.values() + start, own.values() + start, shape, b, row % shape.height, side,
                                   dilation, to + b * taps * kBlock);
        }
      });
  return sums.view({shape.blocks(), taps, kBlock})
      .transpose(1, 2)
      .reshape({shape.blocks() * kBlock, 1, side, side})
      .narrow(0, 0, shape.channels);
}

Image Layers::bend_back(const Image& x, const Image& gradient, Bend bend, const torch::Tensor& slope) {
  Image to = pool_.take(gradient.shape);
  torch::Tensor slopes;
  if (slope.defined()) slopes = in_blocks(slope.detach(), gradient.shape.channels);
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    for (int64_t b = 0; b < to.shape.blocks(); ++b) {
      kernels_.bend_gradient(x.values() + row_offset(x.shape, n, y) + b * x.shape.block_stride(),
                             gradient.values() + row_offset(gradient.shape, n, y) + b * to.shape.block_stride(), bend,
                             slopes.defined() ? slopes.data_ptr<float>() + b * kBlock : nullptr, to.shape.width,
                             to.values() + row_offset(to.shape, n, y) + b * to.shape.block_stride());
    }
  });
  return to;
}

Image Layers::affine(const Image& x, const torch::Tensor& factor, const torch::Tensor& shift) {
  Image to = pool_.take(x.shape);
  const torch::Tensor factors = in_blocks(factor, x.shape.channels);
  const torch::Tensor shifts = in_blocks(shift, x.shape.channels);
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    for (int64_t b = 0; b < to.shape.blocks(); ++b) {
      const float* const in = x.values() + row_offset(x.shape, n, y) + b * x.shape.block_stride();
      float* const out = to.values() + row_offset(to.shape, n, y) + b * to.shape.block_stride();
      const float* const a = factors.data_ptr<float>() + (n * to.shape.blocks() + b) * kBlock;
      const float* const c = shifts.data_ptr<float>() + (n * to.shape.blocks() + b) * kBlock;
      for (int64_t i = 0; i < to.shape.width; ++i) {
        for (int64_t l = 0; l < kBlock; ++l) out[i * kBlock + l] = in[i * kBlock + l] * a[l] + c[l];
      }
    }
  });
  return to;
}

Image Layers::unshuffled(const Image& image, int64_t shuffle) {
  if (image.shape.whole != 0) return unshuffled(finish({image}, {}), shuffle);
  const ImageShape& stored = image.shape;
  const ImageShape shape{stored.batch, stored.channels * shuffle * shuffle, stored.height / shuffle,
                         stored.width / shuffle};
  Image to = pool_.take(shape);
  winograd::unshuffle(image.values(), to.values(), shape, shuffle);
  return to;
}

}  // namespace zsr::blocked
