#pragma once

#include "degradations/estimation/condition/measures.h"
#include "degradations/estimation/estimate.h"
#include "degradations/estimation/photo_condition.h"

#include <torch/types.h>

#include <optional>

namespace zsr::condition {

/// All measurements of one photo, before anything is concluded from them.
struct Evidence {
  BlockNoise blocks;
  double noise_everywhere = 0.0;  ///< estimate_noise of the luma, 1/255; 0 for photos below 32 x 32.
  BlockGrid grid;
  std::optional<JpegEstimate> jpeg;
  Periodicity periods;
  std::optional<EdgeProfile> edges;
  std::optional<Spectrum> spectrum;
  double few_colours = 0.0;
  bool coloured = false;  ///< Not gray, and not gray stored in three channels.
  int64_t height = 0;     ///< Of the whole photo.
  int64_t width = 0;
};

/// Measures at most nine crops. `image` as in look_at_condition.
Evidence gather_evidence(const torch::Tensor& image);

/// PhotoCondition::damage.
double damage_of(const Evidence& evidence);

}  // namespace zsr::condition
