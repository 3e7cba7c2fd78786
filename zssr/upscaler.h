#pragma once

#include "zssr/formation.h"
#include "zssr/network.h"
#include "zssr/options.h"

#include <torch/types.h>

#include <functional>

namespace zsr::zssr {

/// Told after each pass over a tile: passes done, passes in all. False asks to hurry: the passes of the self-ensemble
/// that are not done yet are left out, so that an interrupted run ends soon and still with a whole picture.
using PassFn = std::function<bool(int64_t, int64_t)>;

/// Applies a trained network to a whole photo: passes, back-projection, median (ZSSR.py final_test).
struct Upscaler {
  const Network& network;
  const Formation& formation;
  bool self_ensemble = true;
  EnsembleRule ensemble_rule = EnsembleRule::kMedian;
  int64_t back_projection = 10;
  int64_t tile = 0;  ///< LR pixels; 0 chooses by free memory.
  torch::Device device = torch::kCPU;

  /// `lr` [1, C, h, w] float32 CPU -> [1, C, H, W] float32 CPU in [0, 1], H x W = `size`. Works through tiles that
  /// overlap by the reach of network and back-projection, so that the result equals the untiled one to 1e-5.
  torch::Tensor run(const torch::Tensor& lr, Size size, const PassFn& on_pass = {}) const;

  /// One untiled patch. `next_pass` (may be empty) is asked after each pass whether another may follow.
  torch::Tensor run_patch(const torch::Tensor& lr, Size size, const Formation& patch_formation,
                          const std::function<bool()>& next_pass = {}) const;

  /// LR-consistency: PSNR in dB of what single passes without back-projection become when they are brought down again,
  /// against the photo, over four patches of at most 128 x 128 LR pixels. A network that has learned to undo more blur
  /// than there is cannot bring its own photo back. Infinity where the photo is too small to have an inside.
  double consistency(const torch::Tensor& lr) const;

  /// Passes over each tile: 8 or, with unequal factors, 4 turned copies, 1 without the self-ensemble.
  int64_t passes() const;

  /// LR pixels by which tiles overlap.
  int64_t halo() const;
  /// Bytes of memory per LR pixel of a tile, roughly.
  double bytes_per_pixel(int64_t channels) const;
  /// Side of a tile without its halo for a photo of `low` LR pixels; covers the photo when that fits.
  int64_t choose_tile(Size low, int64_t channels) const;
};

}  // namespace zsr::zssr
