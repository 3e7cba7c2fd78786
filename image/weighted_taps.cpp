#include "image/weighted_taps.h"

#include "core/any_vector.h"

#include <cstring>

namespace zsr {
namespace {

// Sixteen floats: one register, two or four, as the processor has them.
using Vector = float __attribute__((vector_size(64)));
constexpr int64_t kLanes = 16;

// The sums of `Count` vectors stay in registers for all taps. Forced inline so that each copy gets its own vectors.
template <int Count>
[[gnu::always_inline]] inline void block(const float* base, const int64_t* offsets, const float* weights, int64_t taps,
                                         float* out) {
  Vector sum[Count] = {};
  for (int64_t t = 0; t < taps; ++t) {
    const float* const line = base + offsets[t];
#pragma GCC unroll 8
    for (int i = 0; i < Count; ++i) {
      Vector pixels;
      std::memcpy(&pixels, line + i * kLanes, sizeof(pixels));
      sum[i] += weights[t] * pixels;
    }
  }
  std::memcpy(out, sum, sizeof(sum));
}

}  // namespace

ZSR_ANY_VECTOR
void weighted_taps(const float* base, const int64_t* offsets, const float* weights, int64_t taps, float* out,
                   int64_t length) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= length; i += 4 * kLanes) block<4>(base + i, offsets, weights, taps, out + i);
  for (; i + kLanes <= length; i += kLanes) block<1>(base + i, offsets, weights, taps, out + i);
  for (; i < length; ++i) {
    float sum = 0.0F;
    for (int64_t t = 0; t < taps; ++t) sum += weights[t] * base[offsets[t] + i];
    out[i] = sum;
  }
}

}  // namespace zsr
