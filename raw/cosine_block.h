#pragma once

// Only for the files of this folder.

#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

namespace zsr::raw {

inline constexpr int kBlockSide = 8;
inline constexpr int kBlockCount = kBlockSide * kBlockSide;

/// Eight values that are computed at once; two halves where the processor's vectors are shorter.
using Lanes = float __attribute__((vector_size(32)));
/// 8 x 8 values, a row each.
using Rows = std::array<Lanes, kBlockSide>;

inline void load_lanes(const float* from, Lanes& lanes) {
  std::memcpy(&lanes, from, sizeof lanes);
}

inline void store_lanes(const Lanes& lanes, float* to) {
  std::memcpy(to, &lanes, sizeof lanes);
}

/// The orthonormal cosine transform (DCT-II) of length 8, of which even and odd frequencies see sums and differences of
/// mirrored positions: half the products. `kEven[k][i]` is of frequency 2 k, `kOdd[k][i]` of 2 k + 1.
struct CosineParts {
  float even[4][4];
  float odd[4][4];
  CosineParts() {
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < 4; ++i) {
        const auto wave = [&](int frequency) {
          const double norm = std::sqrt((frequency == 0 ? 1.0 : 2.0) / kBlockSide);
          return static_cast<float>(norm * std::cos(std::numbers::pi * (i + 0.5) * frequency / kBlockSide));
        };
        even[k][i] = wave(2 * k);
        odd[k][i] = wave(2 * k + 1);
      }
    }
  }
};

/// Along the columns of `rows`, all eight at once.
__attribute__((always_inline)) inline void transform_columns(const CosineParts& cosine, Rows& rows) {
  Lanes sum[4];
  Lanes difference[4];
  for (size_t i = 0; i < 4; ++i) {
    sum[i] = rows[i] + rows[7 - i];
    difference[i] = rows[i] - rows[7 - i];
  }
  for (size_t k = 0; k < 4; ++k) {
    rows[2 * k] = cosine.even[k][0] * sum[0] + cosine.even[k][1] * sum[1] + cosine.even[k][2] * sum[2] +
                  cosine.even[k][3] * sum[3];
    rows[2 * k + 1] = cosine.odd[k][0] * difference[0] + cosine.odd[k][1] * difference[1] +
                      cosine.odd[k][2] * difference[2] + cosine.odd[k][3] * difference[3];
  }
}

/// Its inverse.
__attribute__((always_inline)) inline void transform_columns_back(const CosineParts& cosine, Rows& rows) {
  Lanes even[4];
  Lanes odd[4];
  for (size_t i = 0; i < 4; ++i) {
    even[i] = cosine.even[0][i] * rows[0] + cosine.even[1][i] * rows[2] + cosine.even[2][i] * rows[4] +
              cosine.even[3][i] * rows[6];
    odd[i] = cosine.odd[0][i] * rows[1] + cosine.odd[1][i] * rows[3] + cosine.odd[2][i] * rows[5] +
             cosine.odd[3][i] * rows[7];
  }
  for (size_t i = 0; i < 4; ++i) {
    rows[i] = even[i] + odd[i];
    rows[7 - i] = even[i] - odd[i];
  }
}

/// Of both vectors, laid one behind the other, the values at `Low` and at `High`.
template <int... Index>
struct Choice {
  __attribute__((always_inline)) static void take(const Lanes& a, const Lanes& b, Lanes& out) {
    out = __builtin_shufflevector(a, b, Index...);
  }
};

template <typename Low, typename High>
__attribute__((always_inline)) inline void exchange(Lanes& a, Lanes& b) {
  Lanes first;
  Lanes second;
  Low::take(a, b, first);
  High::take(a, b, second);
  a = first;
  b = second;
}

__attribute__((always_inline)) inline void transpose(Rows& r) {
  for (size_t i = 0; i < 8; i += 2) {
    exchange<Choice<0, 8, 2, 10, 4, 12, 6, 14>, Choice<1, 9, 3, 11, 5, 13, 7, 15>>(r[i], r[i + 1]);
  }
  for (const size_t i : {size_t{0}, size_t{1}, size_t{4}, size_t{5}}) {
    exchange<Choice<0, 1, 8, 9, 4, 5, 12, 13>, Choice<2, 3, 10, 11, 6, 7, 14, 15>>(r[i], r[i + 2]);
  }
  for (size_t i = 0; i < 4; ++i) {
    exchange<Choice<0, 1, 2, 3, 8, 9, 10, 11>, Choice<4, 5, 6, 7, 12, 13, 14, 15>>(r[i], r[i + 4]);
  }
}

/// Both ways; the spectrum lies transposed, which the way back undoes.
__attribute__((always_inline)) inline void transform_block(const CosineParts& cosine, Rows& rows) {
  transform_columns(cosine, rows);
  transpose(rows);
  transform_columns(cosine, rows);
}

__attribute__((always_inline)) inline void transform_block_back(const CosineParts& cosine, Rows& rows) {
  transform_columns_back(cosine, rows);
  transpose(rows);
  transform_columns_back(cosine, rows);
}

}  // namespace zsr::raw
