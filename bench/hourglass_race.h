#pragma once

#include "bench/trained_networks.h"

namespace zsr::bench {

/// A step of Deep Image Prior (forward, mean squared error, backward, Adam): the 5 x 128 network on side x side.
Race hourglass_race(int64_t side);

}  // namespace zsr::bench
