#pragma once

#include "degradations/kernel.h"
#include "image/resize.h"

#include <torch/types.h>

#include <optional>

namespace zsr::zssr {

/// How an image of the low grid comes from one of the high grid: y = (x * kernel) sampled at `scale`, or cubic imresize
/// when there is no kernel; and the cubic interpolation that goes back.
class Formation {
 public:
  /// `kernel` is moved to `phase` (Note [Sub-pixel phase]; centred when empty).
  Formation(Scale scale, const std::optional<BlurKernel>& kernel, std::optional<Phase> phase);

  /// The same formation with the LR grid `by` HR pixels further on: for a patch cut where scale * start is not whole.
  Formation shifted(Phase by) const;

  Scale scale() const { return scale_; }
  /// [N, C, H, W] -> [N, C, h, w] of the given size.
  torch::Tensor down(const torch::Tensor& image, Size size) const;
  /// [N, C, h, w] -> [N, C, H, W] of the given size, cubic.
  torch::Tensor up(const torch::Tensor& image, Size size) const;
  /// The same with the LR grid standing at `phase` instead.
  torch::Tensor up(const torch::Tensor& image, Size size, Phase phase) const;
  /// Where the LR grid stands.
  Phase phase() const { return phase_.value_or(centered_phase(scale_)); }
  /// True when turning and mirroring commute with it, so that flipped passes see the same problem.
  bool is_symmetric() const { return symmetric_; }
  /// LR pixels that one `down` or `up` reaches to each side.
  int64_t radius() const;
  /// LR pixels by which tiles must overlap for so many back-projections.
  int64_t reach(int64_t iterations) const;

  /// `iterations` times sr += up(lr - down(sr)), then clamped to [0, 1] each time (Irani and Peleg 1991; ZSSR
  /// utils.py); ends before where the difference to `lr` begins to grow.
  torch::Tensor back_project(const torch::Tensor& sr, const torch::Tensor& lr, int64_t iterations) const;
  /// The same for a whole photo, `tile` LR pixels at a time, so that memory stays bounded.
  torch::Tensor back_project_tiled(const torch::Tensor& sr, const torch::Tensor& lr, int64_t iterations,
                                   int64_t tile = 512) const;

 private:
  Scale scale_;
  std::optional<BlurKernel> kernel_;
  std::optional<Phase> phase_;
  bool symmetric_;
};

}  // namespace zsr::zssr
