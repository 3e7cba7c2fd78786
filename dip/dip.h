#pragma once

#include "core/run_context.h"
#include "dip/options.h"

#include <torch/types.h>

namespace zsr::dip {

struct Result {
  torch::Tensor image;  ///< [1, C, h * scale, w * scale] in [0, 1].
  Summary summary;
  int64_t best_step = 0;  ///< Step that the result is of; of the last piece where there are several.
  int64_t rule_step = 0;  ///< Likewise, the step that StopRule::kVariance chooses, whether or not it ruled.
  int64_t restored = 0;   ///< How often the fit fell by more than 5 dB, or diverged, and training went back.
};

/// Restores `photo` ([1, 1 or 3, h, w] float32 in [0, 1]) by fitting a network that has seen no other image. Throws
/// OptionError, and InputError when Options::memory_limit does not suffice (saying how much is needed).
Result run(const torch::Tensor& photo, const Options& options, const RunContext& context = {},
           const FrameFn& frame = {});

/// How a run is divided.
struct RunLength {
  int64_t pieces = 0;
  int64_t steps = 0;  ///< Of all pieces together, where nothing ends one of them sooner.
};

/// For an output of `height` x `width` pixels.
RunLength length_of(const Options& options, int64_t height, int64_t width);

/// Bytes of the largest piece that `options` make of an output of that size.
int64_t needed_bytes(const Options& options, int64_t height, int64_t width);

}  // namespace zsr::dip
