#include "nn/kernels/winograd/layout.h"

#include "core/huge_pages.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <algorithm>

namespace zsr::winograd {
namespace {

constexpr int64_t kPixelsAtOnce = 64;  // of 16 channels: both layouts of them fit into the smallest cache

// body(image, first channel, channels in the block, y, place of the row in the blocked image) for every row of every
// block, in parallel.
template <typename Body>
void for_rows(const ImageShape& shape, const Body& body) {
  const int64_t rows = shape.batch * shape.blocks() * shape.height;
  const int64_t grain = std::max<int64_t>(1, 16384 / (shape.width * kBlock));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % shape.height;
      const int64_t block = row / shape.height % shape.blocks();
      const int64_t image = row / shape.height / shape.blocks();
      const int64_t blocked =
          image * shape.image_stride() + block * shape.block_stride() + (y + 1) * shape.row_stride() + kBlock;
      body(image, block * kBlock, std::min(kBlock, shape.channels - block * kBlock), y, blocked);
    }
  });
}

}  // namespace

void to_blocked(const torch::Tensor& from, float* to, const ImageShape& shape) {
  TORCH_CHECK(shape.width == 1 || from.stride(3) == 1, "the pixels of a row lie apart");
  const float* const plain = from.data_ptr<float>();
  for_rows(shape, [&](int64_t image, int64_t first, int64_t channels, int64_t y, int64_t blocked) {
    const float* const lines = plain + image * from.stride(0) + first * from.stride(1) + y * from.stride(2);
    for (int64_t begin = 0; begin < shape.width; begin += kPixelsAtOnce) {
      const int64_t count = std::min(kPixelsAtOnce, shape.width - begin);
      for (int64_t c = 0; c < channels; ++c) {
        const float* const line = lines + c * from.stride(1) + begin;
        float* const out = to + blocked + begin * kBlock + c;
        for (int64_t x = 0; x < count; ++x) out[x * kBlock] = line[x];
      }
    }
  });
}

torch::Tensor from_blocked(const float* from, const ImageShape& shape) {
  torch::Tensor result = torch::empty({shape.batch, shape.channels, shape.height, shape.width}, torch::kFloat32);
  prefer_huge_pages(result.data_ptr(), result.nbytes());
  float* const plain = result.data_ptr<float>();
  for_rows(shape, [&](int64_t image, int64_t first, int64_t channels, int64_t y, int64_t blocked) {
    float* const lines = plain + ((image * shape.channels + first) * shape.height + y) * shape.width;
    for (int64_t begin = 0; begin < shape.width; begin += kPixelsAtOnce) {
      const int64_t count = std::min(kPixelsAtOnce, shape.width - begin);
      for (int64_t c = 0; c < channels; ++c) {
        float* const line = lines + c * shape.height * shape.width + begin;
        const float* const in = from + blocked + begin * kBlock + c;
        for (int64_t x = 0; x < count; ++x) line[x] = in[x * kBlock];
      }
    }
  });
  return result;
}

void unshuffle(const float* from, float* to, const ImageShape& to_shape, int64_t s) {
  const ImageShape stored = to_shape.shuffled(s);
  const int64_t rows = to_shape.batch * to_shape.blocks() * to_shape.height;
  at::parallel_for(0, rows, std::max<int64_t>(1, 1024 / to_shape.width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % to_shape.height;
      const int64_t block = row / to_shape.height % to_shape.blocks();
      const int64_t image = row / to_shape.height / to_shape.blocks();
      const int64_t place = block / stored.blocks();
      const float* in = from + image * stored.image_stride() + block % stored.blocks() * stored.block_stride() +
                        (y * s + place / s + 1) * stored.row_stride() + (place % s + 1) * kBlock;
      float* out = to + image * to_shape.image_stride() + block * to_shape.block_stride() +
                   (y + 1) * to_shape.row_stride() + kBlock;
      for (int64_t x = 0; x < to_shape.width; ++x) std::copy_n(in + x * s * kBlock, kBlock, out + x * kBlock);
    }
  });
}

void add_images(const float* a, const float* b, float* to, int64_t count) {
  at::parallel_for(0, count, 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = a[i] + b[i];
  });
}

void close(float* gradient, const float* activation, int64_t count) {
  at::parallel_for(0, count, 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) gradient[i] = activation[i] > 0.0F ? gradient[i] : 0.0F;
  });
}

}  // namespace zsr::winograd
