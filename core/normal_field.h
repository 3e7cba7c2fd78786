#pragma once

#include <cstdint>

namespace zsr {

/// Fills `out` with `count` independent normal numbers (mean 0, standard deviation 1), the same for the same seed on
/// every processor: sixteen xoshiro128++ streams (Blackman and Vigna 2019) through Box and Muller's transform, written
/// in plain IEEE additions, products and square roots that vector units of any width round alike. Float precision;
/// values beyond 5.8 do not occur.
void fill_normal(uint64_t seed, float* out, int64_t count);

}  // namespace zsr
