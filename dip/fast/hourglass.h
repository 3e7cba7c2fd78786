#pragma once

#include "dip/fast/layers.h"
#include "dip/skip_spec.h"

#include <memory>
#include <vector>

namespace zsr::dip {

/// The network of SkipSpec, forward and backward, in the blocked layout from the first layer to the last. What follows
/// a convolution needs no pass of its own: normalisation and activation happen where the next one reads; that of the
/// joint image goes into the weights behind it. Biases and shifts that a normalisation takes away have no effect and
/// gradient 0 (LibTorch gives them rounding errors).
class Hourglass {
 public:
  Hourglass(const SkipSpec& spec, const SkipLayout& layout, const winograd::Kernels& kernels);
  ~Hourglass();

  /// Whether this class can run such a network: filters 3x3, channels on the way up and in the deepest level in blocks
  /// of 16.
  static bool serves(const SkipSpec& spec);
  /// Bytes of all images for an image of that size.
  static int64_t bytes(const SkipSpec& spec, int64_t height, int64_t width);

  /// `noise` [1, inputs, H, W] -> [1, outputs, H, W]. Keeps what `backward` needs, until the next call.
  torch::Tensor forward(const torch::Tensor& noise, const torch::Tensor& parameters);
  /// Of the last `forward`: the gradient of all parameters (flat) for that of the output.
  torch::Tensor backward(const torch::Tensor& gradient, const torch::Tensor& parameters);

 private:
  struct Level;
  void set_size(int64_t height, int64_t width);
  View seen_by(size_t level) const;
  View made_by(size_t level) const;
  void forward_level(size_t i, const torch::Tensor& parameters);
  // The gradients of level i's convolution of the joint image, and what its variance passes on to each channel.
  torch::Tensor backward_joint(size_t i, const torch::Tensor& parameters, torch::Tensor& gradients);
  // `sums`: of the gradient of what the level makes.
  void backward_level(size_t i, Sums sums, const torch::Tensor& parameters, torch::Tensor& gradients);
  void run_non_local(size_t i, const torch::Tensor& parameters);
  void close_non_local(Level& level, torch::Tensor& gradients);
  Image& gradient_of(size_t level);

  SkipSpec spec_;
  SkipLayout layout_;
  Layers layers_;
  std::vector<std::unique_ptr<Level>> levels_;
  Image noise_, last_, d_last_;
  torch::Tensor output_;  // of the last pass, behind the sigmoid
  int64_t height_ = 0;
  int64_t width_ = 0;
};

}  // namespace zsr::dip
