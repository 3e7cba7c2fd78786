#pragma once

#include "nn/weights/weights_file.h"

#include <torch/types.h>

#include <cstdint>

namespace zsr {

/// What the features of undistorted photos are like: a Gaussian. The published one comes with the authors' release
/// (LIVE, University of Texas at Austin; modelparameters.mat) and, as the same numbers, with BasicSR
/// (niqe_pris_params.npz).
struct NiqeModel {
  static constexpr int64_t kFeatures = 36;
  torch::Tensor mean;        ///< [36] float64.
  torch::Tensor covariance;  ///< [36, 36] float64.

  /// From either file, by what it holds. Throws InputError naming it.
  static NiqeModel from(const WeightsFile& file);
};

/// NIQE (Mittal, Soundararajan and Bovik 2013), lower is better: how far the statistics of an image's patches lie from
/// those of undistorted photos; no reference. After the authors' release: gray by rgb2gray, rounded; two scales by
/// imresize; blocks of 96 x 96, what fills none cut at right and bottom; generalised Gaussians fitted on a grid of
/// 0.001. MATLAB's own niqe() brings another model of photos and gives other values; so do implementations that take
/// BT.601 luma (BasicSR). `image` [1, 1 or 3, H, W] in [0, 1]. NaN when fewer than two blocks fit: a covariance needs
/// two.
double niqe(const torch::Tensor& image, const NiqeModel& model);

}  // namespace zsr
