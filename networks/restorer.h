#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace zsr::networks {

/// How a photo is damaged, as far as it is known; an unknown level is left to the network. What the restoration network
/// (networks/restorer.cpp) is conditioned on.
struct Damage {
  static constexpr double kMaxNoise = 75.0;
  std::optional<double> noise;         ///< Standard deviation, 1/255, 0 to kMaxNoise.
  std::optional<double> jpeg_quality;  ///< 1 to 100; 100 = not compressed.
};

/// Condition maps in front of the trunk: is the noise known, its level, is the JPEG quality known, its loss.
constexpr int64_t kDamageMaps = 4;
std::vector<float> damage_maps(const Damage& damage);

}  // namespace zsr::networks
