#pragma once

#include "core/run_context.h"
#include "zssr/options.h"

#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>

namespace zsr::zssr {

struct Result {
  /// [1, C, H, W] float32 CPU in [0, 1], H x W = ceil(scale * size). Empty where the caller did not accept the trained
  /// network.
  std::optional<torch::Tensor> image;
  Summary summary;
  std::string start;  ///< Name of the starting point, empty where the network began at random weights.
  /// Of the trained network (Upscaler::consistency, the last scale step), dB.
  double consistency_db = 0.0;
  /// Whether the result is the mean of turned passes: not where the kernel is no longer the same when the photo turns
  /// and the network is not conditioned on it, nor where a time budget left no room.
  bool self_ensemble = false;
};

/// Called with the LR consistency (dB, Upscaler::consistency) of the trained network before the result is made; with
/// false none is made.
using AcceptFn = std::function<bool(double consistency_db)>;

/// Upscales `lr_image` ([1, C, h, w] float32 in [0, 1], C = 1 gray or 3 RGB) by a network trained on it alone. The same
/// options, seed, device, thread count and build give the same result (a time budget aside). Throws OptionError, and
/// Cancelled when the progress callback aborts. Training that diverges past repair gives the cubic interpolation and
/// Termination::kDiverged.
Result run(const torch::Tensor& lr_image, const Options& options, const RunContext& context = {},
           const AcceptFn& accept = {});

/// LR consistency (dB, Upscaler::consistency) of the pretrained weights of `options` under its kernel, without training
/// and without a picture. Throws OptionError where there are no such weights.
double start_consistency_db(const torch::Tensor& lr_image, const Options& options, const RunContext& context = {});

}  // namespace zsr::zssr
