#pragma once

#include <torch/types.h>

#include <cstdint>

namespace zsr::networks {

/// The data step of networks/data_step.h for one photo on the CPU, without gradients: what stays the same over the
/// iterations (the spectra of kernel and photo) is computed once, transforms are real ones, and nothing of the size of
/// the image is allocated in a step. With A for "correlated with the kernel, every s-th pixel" it computes
///     x = z + A' (A A' + alpha)^-1 (y - A z),
/// the same minimum by the identity of Woodbury: A A' is a filter of the small grid, and no difference is divided by
/// alpha, which single precision would not stand where alpha is small.
class DataSolver {
 public:
  /// `y` [1, C, h, w] float32, `kernel` [1, 1, k, k'] float32, anchor at index size / 2 (Note [Kernel convention]);
  /// `s` >= 1.
  DataSolver(const torch::Tensor& y, const torch::Tensor& kernel, int64_t s);

  /// `z` [1, C, s h, s w] float32 and `alpha` > 0; the step's result goes into `x`, of the same shape. Both may be
  /// parts of larger images, and the same one.
  void solve(const torch::Tensor& z, double alpha, const torch::Tensor& x);

 private:
  void misses(double alpha);
  void spread();

  int64_t s_, channels_, height_, width_;  // of the small photo
  torch::Tensor transfer_;                 // [s h, s w / 2 + 1] complex
  torch::Tensor photo_;                    // [C, h, w / 2 + 1] complex, the photo's spectrum
  torch::Tensor power_;                    // [h, w / 2 + 1], A A'
  torch::Tensor spectrum_;                 // [C, s h, s w / 2 + 1] complex, of z, then of x
  torch::Tensor small_;                    // as photo_: (A A' + alpha)^-1 (y - A z)
};

/// Spectra of real images, [C, H, W] float32 -> [C, H, W / 2 + 1] complex; rows of `images` may lie apart.
void real_transform(const torch::Tensor& images, const torch::Tensor& spectrum);
/// The way back, which uses up `spectrum`.
void real_transform_back(const torch::Tensor& spectrum, const torch::Tensor& images);

}  // namespace zsr::networks
