#pragma once

#include "degradations/estimation/photo_condition.h"
#include "image/photo_codec.h"
#include "kernelgan/estimate.h"

#include <optional>
#include <string>
#include <vector>

namespace zsr::pipeline {

/// How a photo of unknown history is enlarged when the user names no method.
enum class Way {
  kZeroShot,  ///< The photo is clean: a pretrained network under the photo's blur kernel, adapted to the photo.
  kRestore,   ///< It is noisy or compressed: the restoration network.
};

struct FormationChoice {
  Way way = Way::kZeroShot;
  double strength = 1.0;             ///< Of the restoration, see restore::Options::strength.
  bool trust_kernel = true;          ///< Whether an estimated blur kernel is undone; else the bicubic one is taken.
  double most_share = 1.0;           ///< Of the estimated kernel's covariance that may be undone, in (0, 1].
  std::vector<std::string> reasons;  ///< Short clauses for people, at least one.
};

/// Chooses by what the photo tells about itself. `estimate` is the blind kernel estimate where one was made;
/// `enlarges`: the result is larger than the photo.
/// HDR photos are never restored, since the thresholds of noise and JPEG, and the restoration network, are those of
/// sRGB values of 8 bits; of a kernel estimate only one that is not weak is undone.
FormationChoice choose_formation(const PhotoCondition& condition,
                                 const std::optional<kernelgan::Estimate>& estimate = std::nullopt,
                                 bool enlarges = true, DynamicRange range = DynamicRange::kSdr);

}  // namespace zsr::pipeline
