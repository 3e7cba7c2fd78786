#pragma once

#include <torch/types.h>

namespace zsr::dip {

/// How scratches and dust are told from what belongs to the picture.
struct ScratchOptions {
  int64_t widest = 0;        ///< Pixels, of a scratch; 0: a 100th of the photo's shorter side, at least 3, at most 12.
  double sensitivity = 1.0;  ///< > 0. Above 1 finds fainter ones, and more that are none.
  void validate() const;     ///< Throws OptionError.
};

/// Proposes what to fill in an old photo: thin lines and small spots that are brighter or darker than all around them
/// (morphological top-hats against the local contrast, hysteresis, then the shape of what hangs together: long and
/// thin, or small and alone), with a margin of two pixels. It knows no picture: thin branches, wires and writing look
/// like scratches, so that a person should see the mask before it is used. `photo` [1, C, h, w] in [0, 1] -> [1, 1, h,
/// w], 1 = good, 0 = to be filled.
torch::Tensor propose_mask(const torch::Tensor& photo, const ScratchOptions& options = {});

}  // namespace zsr::dip
