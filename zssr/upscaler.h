#pragma once

#include "zssr/formation.h"
#include "zssr/network.h"
#include "zssr/options.h"

#include <torch/types.h>

#include <functional>
#include <vector>

namespace zsr::zssr {

/// Called after each pass over a tile: passes done, passes in all. False asks to hurry: the passes of the self-ensemble
/// that are not done yet are left out, so that an interrupted run ends soon and still with a whole picture.
using PassFn = std::function<bool(int64_t, int64_t)>;

/// Applies a trained network to a whole photo: passes, back-projection of each, their median or mean, back-projection
/// again (ZSSR.py final_test).
struct Upscaler {
  const Network& network;
  const Formation& formation;
  bool self_ensemble = true;
  EnsembleRule ensemble_rule = EnsembleRule::kMedian;
  int64_t back_projection = 10;
  /// Whether each pass is back-projected for itself. But for the clamping to [0, 1] back-projection is affine: for the
  /// mean it can be done on the mean alone, with as many iterations as both together. Networks trained on the photo
  /// alone overshoot enough for the clamping to matter (Set5 x4 30.97 dB, 30.95 without); trained starts do not.
  bool project_passes = true;
  int64_t tile = 0;  ///< LR pixels; 0 chooses by free memory.
  torch::Device device = torch::kCPU;

  /// `lr` [1, C, h, w] float32 CPU -> [1, C, H, W] float32 CPU in [0, 1], H x W = `size`. Works through tiles that
  /// overlap by the reach of network and back-projection, so that the result equals the untiled one to 1e-5.
  /// `first_pass`: what consistency() made of the same photo and size; saves an untiled run one of its passes.
  torch::Tensor run(const torch::Tensor& lr, Size size, const PassFn& on_pass = {},
                    const torch::Tensor& first_pass = {}) const;

  /// One untiled patch. `next_pass` (may be empty) is asked after each pass whether another may follow. `first_pass`
  /// (may be undefined): pass() 0 of the patch.
  torch::Tensor run_patch(const torch::Tensor& lr, Size size, const Formation& patch_formation,
                          const std::function<bool()>& next_pass = {}, const torch::Tensor& first_pass = {}) const;

  /// The network's output for dihedral(lr, index), turned back: [1, C, H, W] in [0, 1], without back-projection.
  torch::Tensor pass(const torch::Tensor& lr, Size size, const Formation& patch_formation, int64_t index) const;

  struct Consistency {
    /// PSNR in dB of single passes brought down again, against the photo. Infinity where the photo is too small to have
    /// an inside.
    double db;
    torch::Tensor first_pass;  ///< pass() 0 of the whole photo where that was looked at; undefined otherwise.
  };
  /// LR-consistency, over the whole photo or, where that is larger or cut into tiles, four patches of 128 x 128 LR
  /// pixels. A network that has learned to undo more blur than there is cannot bring its own photo back.
  Consistency consistency(const torch::Tensor& lr) const;

  /// Passes over each tile: 8 or, with unequal factors, 4 turned copies, 1 without the self-ensemble.
  int64_t passes() const;
  std::vector<int64_t> turns() const;

  /// LR pixels by which tiles overlap.
  int64_t halo() const;
  /// Bytes of memory per LR pixel of a tile, roughly.
  double bytes_per_pixel(int64_t channels) const;
  /// Side of a tile without its halo for a photo of `low` LR pixels: `tile`, or what memory allows; covers the photo
  /// when that fits.
  int64_t side_of_tile(Size low, int64_t channels) const;
};

}  // namespace zsr::zssr
