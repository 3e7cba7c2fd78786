#pragma once

#include "cli/compare/method_result.h"

#include <cstdint>
#include <vector>

namespace zsr::cli {

/// A square part of the results.
struct Crop {
  int64_t x = 0, y = 0, side = 0;
};

/// At most `count` squares of `side` pixels, apart from each other, where the results differ most.
std::vector<Crop> crops_of_difference(const std::vector<MethodResult>& results, int64_t side, size_t count);

}  // namespace zsr::cli
