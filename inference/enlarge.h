#pragma once

#include "core/run_context.h"
#include "degradations/kernel.h"
#include "inference/tiles.h"
#include "networks/condition.h"
#include "networks/network.h"

#include <optional>

namespace zsr::inference {

/// How a trained network is applied to a photo.
struct Options {
  Scale scale{2.0, 2.0};              ///< One that the network has; any where it takes the enlarged photo.
  std::optional<BlurKernel> kernel;   ///< For networks that take one; empty = that of bicubic downscaling.
  double noise = 0.0;                 ///< >= 0, standard deviation, 1/255; for networks that take a kernel.
  bool circular = false;              ///< Blurred with periodic boundaries; for networks that take a kernel.
  networks::Damage damage;            ///< For networks conditioned on it; what is not given they find themselves.
  bool self_ensemble = false;         ///< Mean of 8 turned and mirrored passes.
  bool keep_low_frequencies = false;  ///< Brings brightness and colour of large areas back to the photo's.
  int64_t tile = kByMemory;           ///< Input pixels a side, >= 16, or kByMemory; 0 = whole.
  /// Mirrored pixels around the photo; 0 = none, exactly as published, with black outside.
  int64_t margin = kMargin;
  /// Throws OptionError.
  void validate(const networks::Traits& traits) const;
};

struct Result {
  /// [1, C, H, W] float32 in [0, 1]; of networks that give HDR three channels as in Note [HDR values].
  torch::Tensor image;
  Summary summary;
  int64_t tile = 0;  ///< Side of the tiles that were used, input pixels.
};

/// Enlarges `photo` ([1, 1 or 3, h, w] float32 in [0, 1]) tile by tile, each with the pixels around it that its result
/// depends on: the tile's size does not change the result. A network that depends on the whole photo gets it whole
/// unless memory forbids; the summary then says that it worked in tiles. Networks for luma leave colour to cubic
/// interpolation; gray photos go through as RGB. Throws OptionError and Cancelled.
Result enlarge(const torch::Tensor& photo, const networks::Network& network, const Options& options,
               const RunContext& context = {});

}  // namespace zsr::inference
