// Compiled with reassociation allowed: sums become vectors. The same machine gives the same bits.
#include "kernelgan/channel_loops.h"

#include "core/any_vector.h"

#include <algorithm>
#include <cmath>

namespace zsr::kernelgan {

ZSR_ANY_VECTOR
float normalize_and_rectify(float* line, float* out, int64_t count, float scale, float shift) {
  constexpr float kEpsilon = 1e-5F;
  float sum = 0.0F;
  for (int64_t p = 0; p < count; ++p) sum += line[p];
  const float mean = sum / static_cast<float>(count);
  float squares = 0.0F;
  for (int64_t p = 0; p < count; ++p) squares += (line[p] - mean) * (line[p] - mean);
  const float rstd = 1.0F / std::sqrt(squares / static_cast<float>(count) + kEpsilon);
  for (int64_t p = 0; p < count; ++p) {
    line[p] = (line[p] - mean) * rstd;
    const float value = scale * line[p] + shift;
    out[p] = value > 0.0F ? value : 0.0F;
  }
  return rstd;
}

ZSR_ANY_VECTOR
void rectify_and_normalize_back(float* gradient, const float* hat, const float* out, int64_t count, float scale,
                                float rstd, float* sums) {
  float sum = 0.0F;
  float product = 0.0F;
  for (int64_t p = 0; p < count; ++p) {
    const float g = out[p] > 0.0F ? gradient[p] : 0.0F;
    gradient[p] = g;
    sum += g;
    product += g * hat[p];
  }
  sums[0] = sum;
  sums[1] = product;
  const float mean = sum / static_cast<float>(count);
  const float slope = product / static_cast<float>(count);
  const float factor = scale * rstd;
  for (int64_t p = 0; p < count; ++p) gradient[p] = factor * (gradient[p] - mean - hat[p] * slope);
}

ZSR_ANY_VECTOR
float power_iteration(const float* weight, int64_t rows, int64_t columns, float* u, float* v) {
  std::fill_n(v, columns, 0.0F);
  for (int64_t r = 0; r < rows; ++r) {
    const float factor = u[r];
    for (int64_t c = 0; c < columns; ++c) v[c] += weight[r * columns + c] * factor;
  }
  float squares = 0.0F;
  for (int64_t c = 0; c < columns; ++c) squares += v[c] * v[c];
  constexpr float kLeast = 1e-12F;
  const float to_unit = 1.0F / std::max(std::sqrt(squares), kLeast);
  for (int64_t c = 0; c < columns; ++c) v[c] *= to_unit;
  squares = 0.0F;
  for (int64_t r = 0; r < rows; ++r) {
    float sum = 0.0F;
    for (int64_t c = 0; c < columns; ++c) sum += weight[r * columns + c] * v[c];
    u[r] = sum;
    squares += sum * sum;
  }
  const float length = std::sqrt(squares);
  const float scale = 1.0F / std::max(length, kLeast);
  for (int64_t r = 0; r < rows; ++r) u[r] *= scale;
  return length;
}

ZSR_ANY_VECTOR
float inner_product(const float* a, const float* b, int64_t count) {
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

ZSR_ANY_VECTOR
float sum_of(const float* line, int64_t count) {
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += line[i];
  return sum;
}

ZSR_ANY_VECTOR
void through_singular_value(float* gradient, int64_t rows, int64_t columns, float along, const float* u, const float* v,
                            float sigma) {
  const float inverse = 1.0F / sigma;
  for (int64_t r = 0; r < rows; ++r) {
    const float left = along * u[r];
    float* const line = gradient + r * columns;
    for (int64_t c = 0; c < columns; ++c) line[c] = (line[c] - left * v[c]) * inverse;
  }
}

}  // namespace zsr::kernelgan
