#pragma once

#include "degradations/estimation/blur/symmetric_log.h"

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace zsr::blur {

/// What a photo went through besides its blur; each has its own coefficients in BlurRegression.
enum class Spoiled {
  kNot,
  kNoise,  ///< More than 1.5 levels.
  kJpeg,
};

/// What a photo tells about its blur, from its patches and its spectrum, as numbers from which the blur can be computed
/// (BlurRegression).
struct BlurEvidence {
  static constexpr int64_t kFeatures = 101;
  std::vector<double> features;  ///< kFeatures of them; blur_evidence.cpp names them.
  Spoiled spoiled = Spoiled::kNot;
  Covariance patches;                           ///< What the predictor says of the whole photo, photo pixels squared.
  std::optional<Covariance> spectrum;           ///< What the spectrum says; empty where it is lost in noise.
  std::vector<std::array<double, 2>> quarters;  ///< Variances along x and y of those quarters that hold enough.
  std::array<std::array<double, 3>, 2> stretch{};  ///< Of patches, spectrum, its lower part: log_of()[1] and [2].
};

/// What else is known of the photo (FineScale).
struct KnownOfPhoto {
  double noise = 0.0;   ///< 1/255.
  double detail = 0.0;  ///< 1/255.
  int64_t jpeg_quality = 0;
};

/// `photo` [1, 1 or 3, h, w] float32 in [0, 1], at least 64 x 64 (else InputError).
BlurEvidence gather_evidence(const torch::Tensor& photo, const KnownOfPhoto& known);

}  // namespace zsr::blur
