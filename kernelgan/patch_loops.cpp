// Compiled with reassociation allowed: sums become vectors. The same machine gives the same bits.
#include "kernelgan/patch_loops.h"

#include "core/any_vector.h"

namespace zsr::kernelgan {
namespace {

// Half a row of the patch as vectors; where a processor's are narrower the compiler splits them. The functions below
// are inlined into each of those at the end, which the compiler has for each generation of vectors.
template <class Real>
struct Row {
  typedef Real Vector __attribute__((vector_size(64)));
  static constexpr int kLanes = static_cast<int>(sizeof(Vector) / sizeof(Real));
  static constexpr int kVectors = static_cast<int>(kHalfRow) / kLanes;
  Vector part[kVectors];

  [[gnu::always_inline]] void clear() {
    for (Vector& v : part) v = Vector{};
  }
  [[gnu::always_inline]] void load(const Real* from) { __builtin_memcpy(part, from, sizeof(part)); }
  [[gnu::always_inline]] Real sum() const {
    Real total = 0;
    for (const Vector& v : part) {
      for (int i = 0; i < kLanes; ++i) total += v[i];
    }
    return total;
  }
};

// `Rows` rows of the output at once, so that enough sums are under way.
template <int Rows, class Real>
[[gnu::always_inline]] inline void shrink_rows(const Real* corner, const Real* kernel, Real* out) {
  Row<Real> sums[Rows];
  for (Row<Real>& row : sums) row.clear();
  for (int64_t dy = 0; dy < kGeneratorKernel; ++dy) {
    for (int64_t dx = 0; dx < kGeneratorKernel; ++dx) {
      const Real* const pixels = corner + dy * kGeneratorPatch + dx % 2 * kHalfRow + dx / 2;
      const Real weight = kernel[dy * kGeneratorKernel + dx];
      for (int row = 0; row < Rows; ++row) {
        Row<Real> line;
        line.load(pixels + 2 * row * kGeneratorPatch);
        for (int v = 0; v < Row<Real>::kVectors; ++v) sums[row].part[v] += weight * line.part[v];
      }
    }
  }
  for (int row = 0; row < Rows; ++row) {
    __builtin_memcpy(out + row * kGeneratorOutput, sums[row].part, kGeneratorOutput * sizeof(Real));
  }
}

template <class Real>
[[gnu::always_inline]] inline void shrink(const Real* plane, const Real* kernel, Real* out) {
  constexpr int kRows = 2;
  for (int64_t y = 0; y < kGeneratorOutput; y += kRows) {
    shrink_rows<kRows>(plane + 2 * y * kGeneratorPatch, kernel, out + y * kGeneratorOutput);
  }
}

// Weights (dy, dx) to (dy, dx + Taps) at once.
template <int Taps, class Real>
[[gnu::always_inline]] inline void shrink_back_taps(const Real* row, int64_t dx, const Real* padded,
                                                    Real* kernel_gradient) {
  Row<Real> sums[Taps];
  for (Row<Real>& tap : sums) tap.clear();
  for (int64_t y = 0; y < kGeneratorOutput; ++y) {
    Row<Real> slope;
    slope.load(padded + y * kHalfRow);
    for (int tap = 0; tap < Taps; ++tap) {
      Row<Real> line;
      line.load(row + 2 * y * kGeneratorPatch + (dx + tap) % 2 * kHalfRow + (dx + tap) / 2);
      for (int v = 0; v < Row<Real>::kVectors; ++v) sums[tap].part[v] += slope.part[v] * line.part[v];
    }
  }
  for (int tap = 0; tap < Taps; ++tap) kernel_gradient[dx + tap] += sums[tap].sum();
}

template <class Real>
[[gnu::always_inline]] inline void shrink_back(const Real* plane, const Real* output_gradient, Real* kernel_gradient) {
  Real padded[kGeneratorOutput * kHalfRow] = {};
  for (int64_t y = 0; y < kGeneratorOutput; ++y) {
    __builtin_memcpy(padded + y * kHalfRow, output_gradient + y * kGeneratorOutput, kGeneratorOutput * sizeof(Real));
  }
  constexpr int kTaps = 4;
  for (int64_t dy = 0; dy < kGeneratorKernel; ++dy) {
    const Real* const row = plane + dy * kGeneratorPatch;
    Real* const out = kernel_gradient + dy * kGeneratorKernel;
    for (int64_t dx = 0; dx + kTaps <= kGeneratorKernel; dx += kTaps) shrink_back_taps<kTaps>(row, dx, padded, out);
    static_assert(kGeneratorKernel % kTaps == 1);
    shrink_back_taps<1>(row, kGeneratorKernel - 1, padded, out);
  }
}

}  // namespace

ZSR_ANY_VECTOR void shrink_plane(const float* plane, const float* kernel, float* out) {
  shrink(plane, kernel, out);
}
ZSR_ANY_VECTOR void shrink_plane(const double* plane, const double* kernel, double* out) {
  shrink(plane, kernel, out);
}

ZSR_ANY_VECTOR void shrink_plane_back(const float* plane, const float* output_gradient, float* kernel_gradient) {
  shrink_back(plane, output_gradient, kernel_gradient);
}
ZSR_ANY_VECTOR void shrink_plane_back(const double* plane, const double* output_gradient, double* kernel_gradient) {
  shrink_back(plane, output_gradient, kernel_gradient);
}

}  // namespace zsr::kernelgan
