#include "nn/optim/adam_loop.h"

#include <cmath>

// Compiled once for each width of x86 vectors; which one runs is decided when the program is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define ZSR_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ZSR_VECTOR_CLONES
#endif

namespace zsr {

ZSR_VECTOR_CLONES void adam_loop(float* __restrict value, const float* __restrict gradient, float* __restrict first,
                                 float* __restrict second, int64_t count, const AdamRates& rates) {
  const float keep1 = rates.beta1;
  const float keep2 = rates.beta2;
  const float step = rates.step;
  const float scale = rates.second_scale;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i];
    const float m = keep1 * first[i] + (1.0F - keep1) * g;
    const float v = keep2 * second[i] + (1.0F - keep2) * g * g;
    first[i] = m;
    second[i] = v;
    value[i] -= step * m / (std::sqrt(v) * scale + kAdamEpsilon);
  }
}

}  // namespace zsr
