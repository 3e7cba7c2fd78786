#pragma once

#include "bench/race.h"

#include <string>
#include <vector>

namespace zsr::bench {

/// zsr (first) against stock LibTorch in its two memory layouts.
struct Race {
  std::string what;
  std::vector<Entrant> entrants;
  double difference = 0.0;  ///< Largest of the outputs, relative.
};

/// Inference of EDSR's baseline x2 and of SRMD x2 on 256 x 256, and a training step of EDSR's baseline (batch 16 of 48
/// x 48), all with random weights.
std::vector<Race> trained_network_races();

}  // namespace zsr::bench
