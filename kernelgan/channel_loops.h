#pragma once

#include <cstdint>

namespace zsr::kernelgan {

// The loops of the discriminator over the pixels of one channel, compiled for every generation of vectors.

/// line -> (line - mean) / sqrt(variance + 1e-5) in place, out = max(0, scale * line + shift); returns 1 / sqrt(...).
float normalize_and_rectify(float* line, float* out, int64_t count, float scale, float shift);

/// What a loss' gradient at the rectified output gives before: zero where `out` is not positive, then through scale,
/// shift and normalisation, in place. `sums` receives the gradients of shift and scale.
void rectify_and_normalize_back(float* gradient, const float* hat, const float* out, int64_t count, float scale,
                                float rstd, float* sums);

/// v = W' u / |W' u|, u = W v / |W v| for W [rows, columns]; returns u' W v.
float power_iteration(const float* weight, int64_t rows, int64_t columns, float* u, float* v);

/// gradient at W / sigma -> gradient at W, in place, for sigma = u' W v with u and v held fixed; `normalized` is
/// W / sigma [rows, columns].
void through_singular_value(float* gradient, const float* normalized, int64_t rows, int64_t columns, const float* u,
                            const float* v, float sigma);

}  // namespace zsr::kernelgan
