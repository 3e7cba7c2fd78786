#pragma once

#include "image/resize.h"

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace zsr {

/// Note [Kernel convention]
/// A BlurKernel is applied by *correlation* with its anchor at index size / 2 (integer division) per axis:
///     lr(i) = sum_j w(j) * hr(s * i + j - anchor)            (s the integer scale; 0-based; border symmetric)
/// So LR pixel i stands at the kernel's centre of mass, HR coordinate s * i + (com - anchor): the kernel carries the
/// sub-pixel phase (Note [Sub-pixel phase]). An *aligned* kernel has com - anchor = (s - 1) / 2: LR and HR then cover
/// the same area, which is what imresize, the benchmarks and the networks assume. This is the convention of the ZSSR
/// and KernelGAN code. Others differ:
///   KAIR / USRNet: true convolution (the kernel is flipped), circular border, hr[::s];
///   FKP:           correlation with the kernel centred at (size - s) / 2, so its LR images are shifted by s - 1
///   pixels.
enum class KernelConvention {
  kZssr,  ///< ZSSR, KernelGAN, DIV2KRK: correlation. zsr's own.
  kKair,  ///< KAIR, USRNet, SRMD's MATLAB code with imfilter 'conv': convolution.
  kFkp,   ///< FKP, DIP-FKP: correlation; flip it for an aligned kernel.
};

/// A blur kernel that is finite, not all zero and sums to 1.
class BlurKernel {
 public:
  /// `weights`: [h, w], any real dtype; normalised to sum 1 and stored as float64 on the CPU. Throws InputError that
  /// names `name` when it is not 2-D, empty, over 512 on a side, has NaN or infinite entries, is all zero or has a sum
  /// <= 0.
  explicit BlurKernel(const torch::Tensor& weights, const std::string& name = "kernel");

  /// A kernel written in another convention, as this one (no shift: only the orientation changes).
  static BlurKernel from_convention(const torch::Tensor& weights, KernelConvention convention,
                                    const std::string& name = "kernel");
  /// [h, w] weights for code that follows `convention`.
  torch::Tensor to_convention(KernelConvention convention) const;

  /// [h, w] float64, sums to 1, correlation order.
  const torch::Tensor& weights() const { return weights_; }
  int64_t height() const { return weights_.size(0); }
  int64_t width() const { return weights_.size(1); }
  int64_t anchor_y() const { return height() / 2; }
  int64_t anchor_x() const { return width() / 2; }

  /// Centre of mass (y, x) in array coordinates.
  std::array<double, 2> center_of_mass() const;
  /// Centre of mass relative to the anchor: where an LR pixel stands, in HR pixels.
  Phase phase() const;
  /// The kernel moved by cubic-spline interpolation so that its phase is `phase`; padded first, so nothing is lost
  /// (ZSSR's kernel_shift). Returned unchanged when it is there already, to 1e-6 pixel.
  BlurKernel moved_to(Phase phase) const;
  /// True when mirroring left-right, up-down and transposing leave it as it is, to `tolerance` of its peak. Only then
  /// may flips and turns of the image be used with it.
  bool is_symmetric(double tolerance = 1e-3) const;

 private:
  torch::Tensor weights_;
};

/// `kernel` moved by `shift` pixels along both axes by cubic-spline interpolation without growing its array: what
/// leaves is lost. `sum` (may be null) receives what is left of the weights' sum; the result is normalised. The DIV2KRK
/// images were made with their kernels moved by (s - 1) / 2 this way and not normalised again (measured: 66 dB and
/// more).
BlurKernel shifted_inside(const BlurKernel& kernel, double shift, double* sum = nullptr);

/// A Gaussian of `size` x `size`, centre (size - 1) / 2 + `offset`, covariance from the two standard deviations in
/// pixels and the angle of the first axis against x, radians.
BlurKernel gaussian_kernel(int64_t size, double sigma_1, double sigma_2, double angle = 0.0, Phase offset = {});

}  // namespace zsr
