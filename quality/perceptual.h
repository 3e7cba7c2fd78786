#pragma once

#include <torch/types.h>

namespace zsr {

/// Multi-scale SSIM (Wang, Simoncelli and Bovik 2003) of two [1, C, H, W] images in [0, 1], on luma where they have
/// colours: five scales with the weights of the paper, window as of `ssim`, each scale the mean of 2 x 2 pixels of the
/// one before (as the authors' msssim.m has it). NaN when the shorter side has fewer than 176 pixels.
double ms_ssim(const torch::Tensor& a, const torch::Tensor& b);

/// A result against a reference that it may have been moved against.
struct ShiftedPsnr {
  double psnr = 0.0;     ///< dB, of luma, at the best shift; infinite for equal images.
  double shift_y = 0.0;  ///< Pixels by which the result had to be moved.
  double shift_x = 0.0;
};

/// The best PSNR over all shifts of the result within `reach` pixels, whole ones first, then quarters around the best
/// (cubic interpolation). `shave` and reach + 2 pixels are cut from every side. A blind method may place its result
/// elsewhere by part of a pixel, which costs decibels that nobody sees. Both [1, C, H, W] in [0, 1], equal in size.
/// Throws InputError when nothing is left.
ShiftedPsnr shifted_psnr(const torch::Tensor& result, const torch::Tensor& reference, int64_t shave, int64_t reach = 2);

/// Where a result shows more detail than its photo suggests: the energy of what downscaling loses of it, less that of
/// the finest octave which the photo itself has (natural images have about as much in the one as in the other), square
/// root, means over 9 x 9 pixels, in [0, 1] units of the image. `result` [1, C, H, W], `photo` [1, C, h, w], larger by
/// one factor of at least 1. -> [1, 1, H, W], >= 0.
torch::Tensor invented_detail(const torch::Tensor& result, const torch::Tensor& photo);

}  // namespace zsr
