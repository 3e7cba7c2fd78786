#pragma once

#include <cstdint>

namespace zsr {

constexpr float kAdamEpsilon = 1e-8F;

/// What an Adam step multiplies with.
struct AdamRates {
  float beta1 = 0.0F;
  float beta2 = 0.0F;
  float step = 0.0F;          ///< Learning rate over the first moment's correction.
  float second_scale = 0.0F;  ///< 1 / sqrt(the second moment's correction).
};

/// One Adam step over `count` values, in place.
void adam_loop(float* value, const float* gradient, float* first, float* second, int64_t count, const AdamRates& rates);

}  // namespace zsr
