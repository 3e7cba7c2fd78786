#pragma once

#include <torch/types.h>

namespace zsr {

/// How scratches and dust are distinguished from what belongs to the picture.
struct ScratchOptions {
  /// > 0. Above 1 finds fainter scratches, and more lines that are none.
  double sensitivity = 1.0;
  /// >= 0. Lines of one polarity (bright or dark) are taken as scratches only if the strongest of them is this many
  /// times as strong as the strongest of the other polarity: a picture's own lines come in both, cracks of a print or
  /// dust on a negative in one. 0 takes both, for masks that a person will look at.
  double dominance = 1.6;
  void validate() const;  ///< Throws OptionError.
};

/// Proposes what to fill in an old photo: thin lines, brighter or darker than both of their sides, whose sides are
/// smooth and alike, without parallel neighbours and away from the photo's border; and, where such specks are many,
/// dust. Lines are measured along 16 directions by the smaller of the contrasts to their two sides (detector D1 of
/// Tupin et al., "Detection of linear features in SAR images", IEEE TGRS 1998), here as a difference. With the
/// defaults two of three clean photos stay as they are and 0.25 % of their pixels are taken by mistake
/// (restore/README.md); faint or crowded scratches are missed. `photo` [1, 1 or 3, h, w] in [0, 1], any size -> [1, 1,
/// h, w] float32, 1 = good, 0 = to be filled.
torch::Tensor propose_mask(const torch::Tensor& photo, const ScratchOptions& options = {});

}  // namespace zsr
