#pragma once

#include "core/run_context.h"
#include "degradations/estimation/blur/blur_predictor.h"

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::blur {

/// How the blur predictor is trained: first on single patches, which teaches the convolutions with many different blurs
/// a step, then on groups of patches that share one blur, which teaches the answer to their mean.
struct BlurTrainingOptions {
  int64_t steps = 6000;           ///< > 0; the last third on groups.
  int64_t patches = 48;           ///< A step, a multiple of `group`.
  int64_t group = 6;              ///< Patches that share a blur, > 0.
  double learning_rate = 1.5e-3;  ///< > 0; Adam, warmed up over 100 steps, then down a half cosine, twice.
  void validate() const;          ///< Throws OptionError.
};

/// The luma [h, w] of those of `photos` ([1, 1 or 3, h, w] float32 in [0, 1]) that are large enough to train on.
std::vector<torch::Tensor> training_lumas(const std::vector<torch::Tensor>& photos);

/// Patches under one blur.
struct BlurSample {
  std::vector<torch::Tensor> patches;  ///< [1, 96, 96] each, normalised.
  std::array<double, 3> logarithm{};   ///< Of the blur's covariance in their pixels.
};

/// Draws a degradation: a blur (mostly Gaussians of variances up to 7 HR pixels squared along their axes, half of them
/// with DIV2KRK's multiplicative noise; a few flat or peaked ones and the bicubic kernel), every second pixel of it,
/// and in half of the cases noise, JPEG or both; then `count` places for it, of one photo or (in four of ten) of
/// several.
BlurSample draw_blur_sample(const std::vector<torch::Tensor>& lumas, int64_t count, Random& random);

/// Trains a predictor from nothing; the error is that of the Laplace likelihood whose width the network tells itself.
/// The same photos, options and seed give the same network on one machine.
BlurPredictor train_blur_predictor(const std::vector<torch::Tensor>& photos, const BlurTrainingOptions& options,
                                   const RunContext& context = {});

}  // namespace zsr::blur
