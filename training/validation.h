#pragma once

#include "degradations/recipe.h"
#include "training/network.h"

#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace zsr::training {

/// Photos that training does not see, made smaller once: bicubic to the byte, and for networks conditioned on a kernel
/// also by a round Gaussian whose sigma is half the scale (SRMD: before imresize; else the whole way down). For
/// demosaicing networks: the first 256 pixels a side through an RGGB mosaic, without noise (psnr) and with noise of
/// standard deviation 10 of 255 (psnr_blur).
class Validation {
 public:
  /// `photos` [3, H, W] uint8.
  Validation(const std::vector<torch::Tensor>& photos, const Network& network);

  /// For restoration networks: the middle of each photo (at most 256 pixels a side) degraded once by the recipe of each
  /// scale, with the damage unknown (counted in psnr) and known (counted in psnr_blur).
  void add_damaged(const std::vector<torch::Tensor>& photos,
                   const std::map<int64_t, std::shared_ptr<const Recipe>>& recipes);

  struct Score {
    double psnr = 0.0;       ///< Mean over the photos: luma, dB, `scale` pixels cut from each side; of bicubic.
    double psnr_blur = 0.0;  ///< The same for the Gaussian; 0 where the network sees no kernel.
    /// Mean natural logarithm of what networks that draw pixels give the levels of the photos, a colour value, at the
    /// middle of each photo; 0 for others.
    double log_likelihood = 0.0;
  };
  Score score(const Network& network, const torch::Tensor& parameters) const;
  bool empty() const { return cases_.empty(); }

 private:
  void add_mosaics(const std::vector<torch::Tensor>& photos, int64_t scale);
  void add_middles(const std::vector<torch::Tensor>& photos, int64_t scale);

  struct Case {
    torch::Tensor input;  // with maps
    torch::Tensor base;
    torch::Tensor hr;
    bool blurred;
    int64_t scale = 0;  // 0: the network's only one
    torch::Tensor kernels{};
  };
  std::vector<Case> cases_;
};

}  // namespace zsr::training
