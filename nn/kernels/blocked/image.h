#pragma once

#include "nn/kernels/winograd/kernels.h"

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::blocked {

using winograd::ImageShape;
using winograd::kBlock;

/// An image in the layout of Note [Winograd layout], or whole blocks of one. Copies refer to the same values.
struct Image {
  torch::Tensor data;  ///< All of the image, flat.
  ImageShape shape;    ///< Of these channels.
  int64_t offset = 0;  ///< Floats before them.

  bool defined() const { return data.defined(); }
  float* values() const { return data.data_ptr<float>() + offset; }
  /// Channels [first, first + count); `first` is a multiple of 16.
  Image channels(int64_t first, int64_t count) const;
  /// The values of one pixel, each [batch, channels]: of an image of one pixel, all there is.
  torch::Tensor pixel() const;
};

/// Images of a few sizes, used again when nobody holds them any more: fresh memory costs as much as a small layer. Not
/// for concurrent calls, but images may be let go at any time.
class ImagePool {
 public:
  /// With zeros around the pixels; what the pixels are is left open. Channels up to whole blocks are 0 or finite.
  Image take(int64_t batch, int64_t channels, int64_t height, int64_t width);
  /// The same size as `like`, all channels its own.
  Image take(const ImageShape& like) { return take(like.batch, like.channels, like.height, like.width); }
  /// Inputs are of this size from now on: lets go what was kept for others.
  void begin(int64_t batch, int64_t height, int64_t width);

 private:
  std::vector<Image> images_;
  ImageShape input_;
};

/// Copies `count` channels, from any one to any one.
void copy_channels(const Image& from, int64_t from_first, int64_t count, const Image& to, int64_t to_first);

}  // namespace zsr::blocked
