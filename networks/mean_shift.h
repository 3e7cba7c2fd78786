#pragma once

#include "networks/weights_reader.h"

#include <torch/types.h>

namespace zsr::networks {

/// The mean of DIV2K's colours, which EDSR and its kin subtract before and add after; they count colours from 0 to
/// 255 (Lim et al.) or 0 to 1 (CARN).
struct MeanShift {
  torch::Tensor mean = torch::tensor({0.4488F, 0.4371F, 0.4040F}).view({1, 3, 1, 1});  ///< In [0, 1].
  double range = 255.0;

  template <typename Body>
  torch::Tensor around(const torch::Tensor& image, const Body& body) const {
    return body((image - mean) * range) / range + mean;
  }
};

/// Takes the frozen layers sub_mean and add_mean, which say nothing new, off the account.
inline MeanShift take_mean_shift(WeightsReader& reader, double range = 255.0) {
  reader.ignore("sub_mean.");
  reader.ignore("add_mean.");
  MeanShift shift;
  shift.range = range;
  return shift;
}

}  // namespace zsr::networks
