#pragma once

#include "core/run_context.h"
#include "degradations/kernel.h"
#include "degradations/kernel_pca.h"
#include "inference/tiles.h"
#include "srmd/kernel_grid.h"
#include "srmd/network.h"

#include <torch/types.h>

#include <vector>

namespace zsr::srmd {

/// What SRMD is conditioned on, and how it runs.
struct Options {
  static constexpr double kMostNoise = 75.0;  ///< Of the published training.
  KernelGrid kernels;
  double noise = 0.0;  ///< Standard deviation, 1/255, 0 to 75. A noise-free network does not look at it.
  /// Instead of `noise`: that of each pixel, [1, 1, h, w], 1/255, 0 to 75. Undefined: the same everywhere.
  torch::Tensor noise_map;
  int64_t margin = inference::kMargin;  ///< See inference::Options::margin.
  bool self_ensemble = false;           ///< Mean of 8 turned and mirrored passes.
  bool keep_low_frequencies = false;    ///< See inference::with_low_frequencies_of.
  int64_t tile = inference::kByMemory;  ///< LR pixels a side, >= 16; the result does not depend on it.
  void validate() const;                ///< Throws OptionError.
};

struct Result {
  torch::Tensor image;  ///< [1, C, scale h, scale w] float32 in [0, 1].
  Summary summary;
  int64_t tile = 0;  ///< Side of the tiles that were used, LR pixels.
};

/// Enlarges `lr_image` ([1, 1 or 3, h, w] float32 in [0, 1]) by the network's scale. `pca` must be the basis that the
/// network was trained with. Gray photos go through as RGB with equal channels. Throws OptionError and Cancelled.
Result run(const torch::Tensor& lr_image, const Network& network, const KernelPca& pca, const Options& options,
           const RunContext& context = {});

}  // namespace zsr::srmd
