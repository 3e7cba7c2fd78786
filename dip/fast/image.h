#pragma once

#include "nn/kernels/winograd/kernels.h"

#include <torch/types.h>

#include <vector>

namespace zsr::dip {

using winograd::ImageShape;
using winograd::kBlock;

/// An image of Note [Winograd layout], batch 1.
struct Image {
  ImageShape shape;
  torch::Tensor data;

  Image() = default;
  /// Zeros everywhere.
  Image(int64_t channels, int64_t height, int64_t width);
  float* values() const { return data.data_ptr<float>(); }
  /// First pixel of row `y` of a channel block.
  float* row(int64_t block, int64_t y) const {
    return values() + block * shape.block_stride() + (y + 1) * shape.row_stride() + kBlock;
  }
};

/// Sums over all pixels, channel by channel (padded to whole blocks).
struct Sums {
  std::vector<double> first, second;
};

/// Batch normalisation of a layer's output y and the activation behind it: act(scale y + shift).
struct Norm {
  std::vector<float> scale, shift;  // padded with zeros to whole blocks
  std::vector<double> mean, inverse_deviation;
  double count = 0.0;  // pixels
};

/// What a layer sees: an image as it is, or normalised and activated.
struct View {
  const Image* image = nullptr;
  const Norm* norm = nullptr;  // null: as it is
};

/// The gradient of a layer's output y: a d + b y + c, channel by channel, d that of the normalised output before its
/// activation.
struct Gradient {
  const Image* d = nullptr;
  const Image* y = nullptr;
  std::vector<float> a, b, c;
};

/// Mirrors the pixels beside the border into it, without the border itself, as torch::reflection_pad2d. Sides >= 2.
void reflect_border(Image& image);

/// Sums of the values and their squares.
Sums sums_of(const Image& image);

/// From the sums of y, and of its squares, over `count` pixels.
Norm norm_of(const Sums& sums, double count, const torch::Tensor& gain, const torch::Tensor& shift);

/// From the sums of d, and of d y: the gradients of gain and shift, and the gradient of y.
Gradient norm_gradient(const Norm& norm, const Sums& sums, const torch::Tensor& gain, const Image& d, const Image& y,
                       torch::Tensor gain_gradient, torch::Tensor shift_gradient);

/// Writes the gradient of y into its d.
void apply(const Gradient& gradient, Image& d);

/// What `from` is seen as, into an image of its own.
void activate(const View& from, Image& to);

/// Brings `d`, the gradient of what `of` is seen as, before the activation; sums of d and of d y.
Sums close(const View& of, Image& d);

}  // namespace zsr::dip
