#pragma once

#include "bench/race.h"
#include "bench/trained_networks.h"

#include <cstdint>
#include <string>
#include <vector>

namespace zsr::bench {

/// Networks of the registry in zsr and node by node in stock LibTorch, both layouts of memory: inference x2 on one
/// image of `side` x `side`, or a training step of 16 patches of 48 x 48 without the optimiser.
std::vector<Race> network_races(const std::vector<std::string>& names, int64_t side, bool training);

}  // namespace zsr::bench
