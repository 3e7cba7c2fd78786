#pragma once

#include "training/team_plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::training {

/// How a degradation is learned from two collections of photos without pairs.
struct DegradationOptions {
  /// "fssr" (Fritsche et al. 2019: DSGAN), "bulat" (Bulat et al. 2018: High-to-Low) or "cincgan" (Yuan et al. 2018:
  /// its inner cycle).
  std::string method = "fssr";
  int64_t scale = 4;  ///< 1 to 16; bulat: 2, 4, 8 or 16.
  /// Network sizes, losses and rates as published, without noise and grid maps, but bulat's, which is published with
  /// noise. Else a light configuration for a CPU that has both.
  bool published = false;
  int64_t steps = 2000;       ///< > 0.
  double adversarial = -1.0;  ///< Weight of the judge's term, > 0; negative: the method's.
  std::string features{};     ///< fssr: feature network of its perceptual term; empty: without that term.
  /// Throws OptionError.
  void validate() const;
};

/// The name of the network that makes sharp images look like the others, in every plan of `degradation_plan`.
inline constexpr const char* kDegradingNetwork = "worse";

/// "fssr", "bulat", "cincgan".
const std::vector<std::string>& degradation_methods();

/// The plan of that method. Throws OptionError.
TeamPlan degradation_plan(const DegradationOptions& options);

/// What to look at while it trains: the sharp image, what the network makes of it, and the other collection, as images
/// of the plan.
std::vector<std::string> degradation_samples(const std::string& method);

}  // namespace zsr::training
