#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace zsr::nn {

/// Channels, height and width of one image of a batch.
struct Shape {
  int64_t channels = 0;
  int64_t height = 1;
  int64_t width = 1;
  bool operator==(const Shape&) const = default;
};

// What the nodes of a graph compute. All images are [N, C, H, W]. Parameters of a node stand in the order given here.

/// What the caller passes in, in the order in which the inputs were declared.
struct Input {
  int64_t channels;
  int64_t step = 1;  ///< Its sides are those of the first input divided by this.
};

/// Convolution, or transposed convolution; zero padding. Parameters: weight [out, in / groups, side, side] (transposed:
/// [in, out / groups, side, side]), then bias [out] if it has one.
struct Convolution {
  int64_t out = 0;
  int64_t side = 3;
  int64_t stride = 1;
  int64_t padding = 1;
  int64_t dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  bool transposed = false;
  int64_t output_padding = 0;  ///< Only transposed.
};

enum class Curve { kRelu, kLeakyRelu, kPrelu, kSigmoid, kTanh, kGelu, kSilu, kSoftplus, kMish };

/// A function of each value by itself. kPrelu has one parameter, slopes [1] or [C].
struct Activation {
  Curve curve = Curve::kRelu;
  double slope = 0.0;  ///< kLeakyRelu: negative values times it.
};

/// Sum or product of all inputs; sizes of 1 are repeated.
struct Sum {};
struct Product {};

/// x * factor + shift.
struct Affine {
  double factor = 1.0;
  double shift = 0.0;
};

/// Adds a constant to each channel; channels beyond the list stay.
struct ChannelShift {
  std::vector<float> amounts;
};

struct Concatenation {};

/// Channels [from, to).
struct Slice {
  int64_t from = 0;
  int64_t to = 0;
};

/// torch::pixel_shuffle and its inverse.
struct PixelShuffle {
  int64_t factor = 2;
};
struct PixelUnshuffle {
  int64_t factor = 2;
};

/// kBicubic is PyTorch's (a = -0.75, edge pixels repeated), kImresize MATLAB's (a = -0.5, the image mirrored).
enum class Interpolation { kNearest, kBilinear, kBicubic, kImresize };

/// Resizes by a whole factor, or, where there is a second input, to its size (not kImresize). Pixel centres as in
/// PyTorch's align_corners = false.
struct Resize {
  Interpolation method = Interpolation::kNearest;
  int64_t factor = 1;
};

enum class Pooling { kMean, kDeviation, kMax, kSampleDeviation, kNorm };

/// Over windows, or over the whole image where `side` is 0; for the whole image only: kDeviation (root of the mean
/// square around the mean), kSampleDeviation (the same with N - 1), kNorm (root of the sum of squares).
struct Pool {
  Pooling kind = Pooling::kMean;
  int64_t side = 0;
  int64_t stride = 1;
};

/// Maxima of a grid of height / divisor x width / divisor cells (torch::adaptive_max_pool2d).
struct AdaptiveMaxPool {
  int64_t divisor = 2;
};

enum class Edge { kZero, kReflect };

/// Adds pixels around the image: zeros, or mirrored ones without the edge pixel itself. Negative amounts cut.
struct Pad {
  int64_t top = 0;
  int64_t bottom = 0;
  int64_t left = 0;
  int64_t right = 0;
  Edge edge = Edge::kZero;
};

/// Zeros or mirrored pixels (without the edge pixel) below and to the right, until `multiple` divides the sides.
struct PadToMultiple {
  int64_t multiple = 8;
  Edge edge = Edge::kReflect;
};

/// The first image cut to `factor` times the size of the second.
struct CutTo {
  int64_t factor = 1;
};

/// Attention of each pixel to its window of side x side pixels (Swin): [N, 3 C, H, W], queries, keys and values, each
/// `heads` parts, to [N, C, H, W]; `side` divides H and W. With a `shift` the windows begin that many pixels further
/// down and right. Parameter: [(2 side - 1)^2, heads], what a pixel's distance adds.
struct WindowAttention {
  int64_t side = 8;
  int64_t heads = 1;
  int64_t shift = 0;
};

/// Each value to a power.
struct Power {
  double exponent = 1.0;
};

/// Its only parameter, one number a channel, as an image [1, C, 1, 1]. It has no inputs.
struct Learned {
  int64_t channels = 1;
};

/// Mean over the channels of each pixel.
struct ChannelMean {};

enum class Norm { kBatch, kLayer, kInstance, kGroup };

/// (x - mean) / sqrt(variance + epsilon) * weight + bias. kLayer: over the channels of each pixel; kGroup: over
/// each of `groups` groups of channels. Parameters: weight [C], bias [C]; kBatch also running mean [C] and variance
/// [C], which serve outside training.
struct Normalisation {
  Norm kind = Norm::kBatch;
  double epsilon = 1e-5;
  int64_t groups = 1;
};

/// Over the channels of each pixel.
struct Softmax {};

/// One level of the Haar wavelet: [N, C, H, W] to [N, 4 C, H / 2, W / 2], the four bands of all channels one after
/// another (mean, horizontal, vertical and diagonal differences, each halved), or back.
struct Haar {
  bool inverse = false;
};

/// Products of matrices that stand in the last two dimensions: a times b, or a times b transposed.
struct MatrixProduct {
  bool transpose_second = false;
};

/// Anything else, computed by LibTorch with its gradients. `shape` says what it makes of its inputs' shapes.
struct Custom {
  std::string name;
  std::function<Shape(const std::vector<Shape>&)> shape;
  std::function<torch::Tensor(const std::vector<torch::Tensor>& inputs, const std::vector<torch::Tensor>& parameters)>
      run;
  /// Input pixels to each side that a result depends on; -1: all.
  int64_t reach = 0;
  /// Memory for each pair of pixels of its first input, where it compares all with all.
  double pair_bytes = 0.0;
};

using Operation =
    std::variant<Input, Convolution, Activation, Sum, Product, Affine, ChannelShift, Concatenation, Slice, PixelShuffle,
                 PixelUnshuffle, Resize, Pool, Normalisation, Softmax, Haar, MatrixProduct, AdaptiveMaxPool, Pad, Power,
                 ChannelMean, Learned, PadToMultiple, CutTo, WindowAttention, Custom>;

/// "convolution", "sum", ...
std::string name_of(const Operation& operation);

/// The shape that `operation` makes of these. Throws OptionError, naming the constraint, where it cannot be.
Shape shape_after(const Operation& operation, const std::vector<Shape>& inputs);

/// Computes it by LibTorch, on any device and in any type, differentiable. `training`: batch normalisation uses the
/// batch's own statistics and updates the running ones.
torch::Tensor run_by_torch(const Operation& operation, const std::vector<torch::Tensor>& inputs,
                           const std::vector<torch::Tensor>& parameters, bool training);

/// Weights [factor^2, 1, 5, 5], float64, that make of the 5 x 5 pixels around a pixel those that kImresize puts in its
/// place, by rows.
torch::Tensor imresize_kernels(int64_t factor);

/// The activation alone; `slopes` for kPrelu.
torch::Tensor activate(const Activation& activation, const torch::Tensor& image, const torch::Tensor& slopes);

}  // namespace zsr::nn
