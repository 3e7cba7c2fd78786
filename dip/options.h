#pragma once

#include "degradations/kernel.h"
#include "dip/skip_spec.h"

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace zsr::dip {

/// What is asked of the network.
enum class Task {
  kSuperResolution,  ///< An image that, made smaller, is the photo.
  kDenoise,          ///< One of the photo's size without its noise.
  kJpeg,             ///< Likewise without the traces of compression.
  kInpaint,          ///< One that equals the photo where the mask is white and is plausible elsewhere.
};

/// "sr", "denoise", "jpeg" or "inpaint". Throws OptionError.
Task parse_task(std::string_view name);
const char* to_string(Task task);

/// Where training ends.
enum class StopRule {
  kSteps,     ///< After `steps`.
  kVariance,  ///< Where the running variance of the output was lowest (Wang et al., "Early stopping for deep image
              ///< prior", TMLR 2023), at the latest after `steps`.
};

/// Settings of Deep Image Prior (Ulyanov, Vedaldi and Lempitsky, CVPR 2018); those of `preset` are the released ones.
struct Options {
  Task task = Task::kSuperResolution;
  int64_t scale = 4;  ///< 2 to 16 for super-resolution, else 1.
  /// How the photo came from the result; Lanczos with two lobes (phase 1/2) when empty. Super-resolution only.
  std::optional<BlurKernel> kernel;
  std::optional<Phase> phase;  ///< Of `kernel`; centred when empty.
  /// [1, 1, h, w], 1 where the photo is good, 0 where it is to be filled. Inpainting only.
  torch::Tensor mask;
  SkipSpec network;
  int64_t steps = 2000;         ///< > 0. At most.
  double learning_rate = 0.01;  ///< > 0. Adam.
  double noise = 0.03;          ///< >= 0. Standard deviation of what is added to the input in each step.
  double average = 0.99;  ///< In [0, 1). Memory of the averaged output, which is the result; 0: the output itself.
  StopRule stop = StopRule::kVariance;
  int64_t window = 100;    ///< > 1. Steps over which the variance of the output is taken.
  int64_t patience = 600;  ///< > 0. Steps that the variance may stay above its lowest.
  /// Side of the pieces that an output larger than that is made in, one after the other, overlapping; 0: never.
  int64_t tile = 0;
  int64_t overlap = 32;  ///< >= 0. Output pixels that neighbouring pieces share.
  double later_tiles =
      0.5;  ///< In (0, 1]. Share of the steps for pieces that begin with the weights of the one before.
  int64_t memory_limit = 0;  ///< Bytes; needing more throws InputError before anything begins. 0: no limit.
  int64_t frame_every = 0;   ///< Steps between calls of `frame`; 0: none.
  /// Throws OptionError.
  void validate() const;
};

/// The released settings for a task; `scale` counts for super-resolution, `channels` 1 or 3.
Options preset(Task task, int64_t scale, int64_t channels);

/// Called every Options::frame_every steps with the image so far ([1, C, H, W], before any piece is blended), and the
/// step.
using FrameFn = std::function<void(const torch::Tensor&, int64_t)>;

}  // namespace zsr::dip
