#include "nn/kernels/blocked/image.h"

#include "core/huge_pages.h"
#include "nn/kernels/blocked/rows.h"

#include <torch/types.h>

#include <algorithm>

namespace zsr::blocked {

Image Image::channels(int64_t first, int64_t count) const {
  Image part = *this;
  part.shape.whole = shape.whole == 0 ? shape.blocks() : shape.whole;
  part.shape.channels = count;
  part.offset += first / kBlock * shape.block_stride();
  if (part.shape.whole == part.shape.blocks()) part.shape.whole = 0;
  return part;
}

torch::Tensor Image::pixel() const {
  torch::Tensor values = torch::empty({shape.batch, shape.channels}, torch::kFloat32);
  float* to = values.data_ptr<float>();
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      to[n * shape.channels + c] =
          this->values()[n * shape.image_stride() + c / kBlock * shape.block_stride() + shape.origin() + c % kBlock];
    }
  }
  return values;
}

Image ImagePool::take(int64_t batch, int64_t channels, int64_t height, int64_t width) {
  ImageShape shape{batch, (channels + kBlock - 1) / kBlock * kBlock, height, width};
  for (const Image& image : images_) {
    if (image.data.storage().use_count() == 1 && image.shape == shape) {
      shape.channels = channels;
      return {image.data.detach(), shape, 0};
    }
  }
  const torch::Tensor fresh = torch::empty({shape.size()}, torch::kFloat32);
  prefer_huge_pages(fresh.data_ptr(), fresh.nbytes());
  images_.push_back({fresh.zero_(), shape, 0});
  shape.channels = channels;
  return {images_.back().data.detach(), shape, 0};
}

void ImagePool::begin(int64_t batch, int64_t height, int64_t width) {
  const ImageShape input{batch, 1, height, width};
  if (input == input_) return;
  input_ = input;
  std::erase_if(images_, [](const Image& image) { return image.data.storage().use_count() == 1; });
}

void copy_channels(const Image& from, int64_t from_first, int64_t count, const Image& to, int64_t to_first) {
  for_rows(to.shape, [&](int64_t n, int64_t y) {
    const float* const in = from.values() + row_offset(from.shape, n, y);
    float* const out = to.values() + row_offset(to.shape, n, y);
    for (int64_t done = 0; done < count;) {
      const int64_t a = from_first + done;
      const int64_t b = to_first + done;
      const int64_t step = std::min({count - done, kBlock - a % kBlock, kBlock - b % kBlock});
      const float* const source = in + a / kBlock * from.shape.block_stride() + a % kBlock;
      float* const target = out + b / kBlock * to.shape.block_stride() + b % kBlock;
      for (int64_t x = 0; x < to.shape.width; ++x) {
        for (int64_t c = 0; c < step; ++c) target[x * kBlock + c] = source[x * kBlock + c];
      }
      done += step;
    }
  });
}

}  // namespace zsr::blocked
