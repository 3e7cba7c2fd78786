#pragma once

#include "nn/kernels/blocked/image.h"
#include "nn/kernels/winograd/convolver.h"

#include <torch/types.h>

#include <vector>

namespace zsr::blocked {

using winograd::Bend;

/// What follows a layer, in this order; all optional.
struct Finish {
  torch::Tensor bias{};   ///< [channels], added.
  Image add{};            ///< Added.
  bool relu = false;      ///< Negative values become 0,
  torch::Tensor slope{};  ///< or this times themselves, [channels].
  Bend bend = Bend::kNone;
  Image times{};         ///< Multiplied.
  torch::Tensor gain{};  ///< [batch, channels] or [channels], multiplied.
  Image mask{};          ///< Where it is <= 0, the result is multiplied by `leak`.
  float leak = 0.0F;
  int64_t shuffle = 1;  ///< Only of a 3x3 convolution: as torch::pixel_shuffle.
};

/// Layers of networks on images in the blocked layout, and their gradients. Parameters are float32 tensors as LibTorch
/// has them. `to`: where the result goes; a new image where it is not defined. It may be what is added. Equal inputs
/// and thread counts give equal bytes. Keeps buffers; not for concurrent calls.
class Layers {
 public:
  explicit Layers(const winograd::Kernels& kernels = winograd::kernels());

  ImagePool& pool() { return pool_; }
  Image from_plain(const torch::Tensor& image);
  static torch::Tensor to_plain(const Image& image);

  /// 3x3 convolution, zero padding; weight [out, in, 3, 3]. All of `from` but the last have whole blocks.
  Image convolve(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to = {});
  /// 1x1 convolution of the channels of all `from`; weight [out, in, 1, 1].
  Image mix(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to = {});
  /// 2x2 convolution of stride 2, no padding; weight [out, in, 2, 2].
  Image halve(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to = {});
  /// Transposed 2x2 convolution of stride 2; weight [in, out, 2, 2].
  Image twice(const std::vector<Image>& from, const torch::Tensor& weight, const Finish& finish, Image to = {});
  /// Convolution of each channel, zero padding that keeps the size; weight [channels, 1, side, side].
  Image filter(const Image& from, const torch::Tensor& weight, int64_t dilation, const Finish& finish, Image to = {});
  /// The channels of all `from`, one behind another.
  Image finish(const std::vector<Image>& from, const Finish& finish, Image to = {});
  /// Mean, and the root of the mean square around it, over each channel: an image of one pixel.
  Image mean(const std::vector<Image>& from);
  Image deviation(const std::vector<Image>& from);

  /// Gradients of the inputs: `gradient` is that of the result, before the bias; `finish` what follows.
  Image convolve_back(const Image& gradient, const torch::Tensor& weight, const Finish& finish, Image to);
  Image mix_back(const Image& gradient, const torch::Tensor& weight, const Finish& finish, Image to);
  Image filter_back(const Image& gradient, const torch::Tensor& weight, int64_t dilation, const Finish& finish,
                    Image to);
  /// Gradients of the weights, shaped like them.
  torch::Tensor convolve_gradient(const std::vector<Image>& from, const Image& gradient);
  torch::Tensor mix_gradient(const std::vector<Image>& from, const Image& gradient);
  torch::Tensor filter_gradient(const Image& from, const Image& gradient, int64_t side, int64_t dilation);
  /// Sums over the pixels: [channels] of all images, or of each, [batch, channels]; of products with `other`.
  torch::Tensor sums(const Image& image);
  torch::Tensor sums_each(const Image& image, const Image& other = {});
  /// The gradient before a function of each value, `x` what went into it.
  Image bend_back(const Image& x, const Image& gradient, Bend bend, const torch::Tensor& slope);
  /// x times factor plus shift, both [batch, channels].
  Image affine(const Image& x, const torch::Tensor& factor, const torch::Tensor& shift);
  /// The image that a convolution with `shuffle` made, as before the shuffle.
  Image unshuffled(const Image& image, int64_t shuffle);
  /// An image of one pixel from its values [batch, channels].
  Image of_pixel(const torch::Tensor& values);
  /// `from` itself, or a copy that is one image with all its channels its own.
  Image one(const std::vector<Image>& from);

 private:
  struct Ready;
  Ready ready(const Finish& finish, const Image& to);
  Image whole_if_batch(const Image& image);
  Image target(Image to, const ImageShape& like, int64_t channels);
  template <typename Body>
  torch::Tensor summed(int64_t rows, int64_t count, const Body& body);

  const winograd::Kernels& kernels_;
  winograd::Convolver convolver_;
  ImagePool pool_;
};

/// What belongs to the channels of a convolution with a shuffle, first dimension: those of one pixel of the larger
/// image beside each other, as the blocked layout needs it; and back to torch::pixel_shuffle's order.
torch::Tensor by_places(const torch::Tensor& values, int64_t shuffle);
torch::Tensor by_channels(const torch::Tensor& values, int64_t shuffle);

}  // namespace zsr::blocked
