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

/// Sum of a[i] * b[i], and of line[i].
float inner_product(const float* a, const float* b, int64_t count);
float sum_of(const float* line, int64_t count);

/// gradient at W / sigma -> gradient at W for `rows` rows of it, in place, for sigma = u' W v with u (of these rows)
/// and v held fixed; `along` is <gradient, W / sigma> over all rows.
void through_singular_value(float* gradient, int64_t rows, int64_t columns, float along, const float* u, const float* v,
                            float sigma);

}  // namespace zsr::kernelgan
