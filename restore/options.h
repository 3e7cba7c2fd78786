#pragma once

#include "image/resize.h"
#include "inference/tiles.h"

#include <cstdint>
#include <optional>

namespace zsr::restore {

/// How a damaged photo is restored and enlarged.
struct Options {
  Scale scale{2.0, 2.0};  ///< Each axis 1 to 16; fractions are made by the next whole factor and imresize.
  /// Blend of two pictures, in [0, 1]: 0 = the network for clean photos (at scale 1 the photo itself), 1 = restored.
  double strength = 1.0;
  /// From the faithful weights (0: mean of what the photo may have been) to the detailed ones (1: natural texture); the
  /// weights in between are interpolated (Wang et al., "Deep network interpolation", CVPR 2019). In [0, 1]. Empty: see
  /// detail_in_force().
  std::optional<double> detail;
  /// Noise and compression that the network is given, as a fraction of what was measured in the photo: 1 = all of it, 0
  /// = none, so that grain or blocks stay. Empty: what was measured where it can be trusted; else the network judges by
  /// itself. In [0, 1].
  std::optional<double> denoise;
  std::optional<double> dejpeg;
  /// How much of the grain that was removed comes back at the new size, in [0, 1]; empty: by what kind of grain it is
  /// (film 0.5, digital noise 0).
  std::optional<double> grain;
  /// Fine-tune the network on the photo first (restore/adapt.h); not at the photo's own size.
  bool adapt = false;
  double strength_adapted = 1.0;  ///< Takes the place of `strength` where the fine-tuned network is kept. In [0, 1].
  bool self_ensemble = false;     ///< Mean of 8 turned and mirrored passes.
  int64_t tile = inference::kByMemory;  ///< Input pixels a side, >= 16; 0 = whole.

  /// `detail`, or by default 0.3 where the photo is enlarged and 0 at its own size: there is no lost size to make up
  /// for, and texture that was not there costs fidelity (Set14, JPEG 40: before the present weights 33.81 dB with
  /// 0.3, 34.00 with 0).
  double detail_in_force() const;

  /// Throws OptionError.
  void validate() const;
};

}  // namespace zsr::restore
