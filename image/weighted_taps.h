#pragma once

#include <cstdint>

namespace zsr {

/// out[i] = sum over t of weights[t] * base[offsets[t] + i] for i in [0, length): the inner loop of every blur. Written
/// for neighbouring memory; runs on the widest vectors of the processor (chosen once, at program start).
void weighted_taps(const float* base, const int64_t* offsets, const float* weights, int64_t taps, float* out,
                   int64_t length);

}  // namespace zsr
