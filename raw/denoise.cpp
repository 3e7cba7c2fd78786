#include "raw/denoise.h"

#include "core/normal_field.h"
#include "raw/cosine_block.h"
#include "raw/tiles.h"

#include <array>
#include <cmath>
#include <mutex>
#include <optional>
#include <vector>

namespace zsr::raw {
namespace {

constexpr int64_t kSide = kBlockSide;
constexpr int64_t kStep = 2;  // pixels from block to block

using ColorBlock = std::array<Rows, 3>;

const CosineParts kCosines;

// Sum and two differences of the colours, orthonormal; its transpose is its inverse.
constexpr std::array<std::array<float, 3>, 3> kOpponent = {{{0.57735027F, 0.57735027F, 0.57735027F},
                                                            {0.70710678F, 0.0F, -0.70710678F},
                                                            {0.40824829F, -0.81649658F, 0.40824829F}}};

Rgb to_opponent(const Rgb& rgb) {
  Rgb result{Plane(rgb[0].height, rgb[0].width), Plane(rgb[0].height, rgb[0].width),
             Plane(rgb[0].height, rgb[0].width)};
  for (size_t i = 0; i < rgb[0].values.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) {
      result[c].values[i] =
          kOpponent[c][0] * rgb[0].values[i] + kOpponent[c][1] * rgb[1].values[i] + kOpponent[c][2] * rgb[2].values[i];
    }
  }
  return result;
}

inline __attribute__((always_inline)) void spectrum_of(const Rgb& opponent, int64_t y, int64_t x, ColorBlock& out) {
  for (size_t c = 0; c < 3; ++c) {
    for (size_t row = 0; row < kBlockSide; ++row) {
      load_lanes(opponent[c].row(y + static_cast<int64_t>(row)) + x, out[c][row]);
    }
    transform_block(kCosines, out[c]);
  }
}

// Variances of the coefficients of demosaiced noise.
struct Spectrum {
  ColorBlock variance{};
};

// The level that noise is measured at.
constexpr float kReference = 0.5F;

Spectrum measure(const MosaicPattern& pattern, const std::array<float, 3>& sigma) {
  constexpr int64_t kTest = 192;
  Mosaic noise;
  noise.pattern = pattern;
  noise.values = Plane(kTest, kTest);
  fill_normal(1, noise.values.values.data(), kTest * kTest);
  for (int64_t y = 0; y < kTest; ++y) {
    for (int64_t x = 0; x < kTest; ++x) {
      float& value = noise.values.row(y)[x];
      value = 0.5F + value * sigma[static_cast<size_t>(noise.pattern.color(y, x))];
    }
  }
  const Rgb opponent = to_opponent(demosaic_without_denoising(noise));
  std::array<std::array<double, kBlockCount>, 3> sum{};
  ColorBlock block;
  int64_t blocks = 0;
  const double mean = 0.5 * std::sqrt(3.0) * kSide;  // of the first coefficient of the sum
  for (int64_t y = 8; y + kSide + 8 <= kTest; y += 3) {
    for (int64_t x = 8; x + kSide + 8 <= kTest; x += 3) {
      spectrum_of(opponent, y, x, block);
      block[0][0][0] -= static_cast<float>(mean);
      for (size_t c = 0; c < 3; ++c) {
        for (size_t i = 0; i < kBlockCount; ++i) {
          const double value = block[c][i / kSide][i % kSide];
          sum[c][i] += value * value;
        }
      }
      ++blocks;
    }
  }
  Spectrum result;
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < kBlockCount; ++i) {
      result.variance[c][i / kSide][i % kSide] = static_cast<float>(sum[c][i] / static_cast<double>(blocks)) + 1e-14F;
    }
  }
  return result;
}

// The same for noise of standard deviation 1 in the noisiest colour; demosaicing keeps proportions. The last one is
// kept: training asks for the same again and again.
Spectrum unit_spectrum(const MosaicPattern& pattern, const std::array<float, 3>& sigma) {
  struct Kept {
    MosaicPattern pattern;
    std::array<float, 3> sigma{};
    Spectrum spectrum;
  };
  static std::mutex mutex;
  static std::optional<Kept> kept;
  {
    const std::lock_guard lock(mutex);
    if (kept && kept->pattern == pattern && kept->sigma == sigma) return kept->spectrum;
  }
  // Not 1: what demosaicing adds to a variance of zero must stay small beside the noise, and the noise beside the gray.
  constexpr float kSigma = 0.04F;
  Spectrum spectrum = measure(pattern, {kSigma * sigma[0], kSigma * sigma[1], kSigma * sigma[2]});
  for (Rows& rows : spectrum.variance) {
    for (Lanes& lanes : rows) lanes /= kSigma * kSigma;
  }
  const std::lock_guard lock(mutex);
  kept = Kept{pattern, sigma, spectrum};
  return spectrum;
}

inline float sum_of(const Lanes& lanes) {
  float sum = 0.0F;
  for (int i = 0; i < kBlockSide; ++i) sum += lanes[i];
  return sum;
}

// The coefficients of one colour cut (`guide` null) or shrunk; `keep_mean`: the first one stays. Returns what is left
// of the noise's variance.
inline __attribute__((always_inline)) float shrink(Rows& block, const Rows* guide, const Rows& noise, float strength,
                                                   bool keep_mean) {
  constexpr float kCut = 2.7F * 2.7F;  // Yu and Sapiro's 3 sigma is for one pass alone
  Lanes kept{};
  const float mean = block[0][0];
  for (size_t row = 0; row < kBlockSide; ++row) {
    const Lanes variance = strength * noise[row];
    Lanes share;
    if (guide != nullptr) {
      const Lanes signal = (*guide)[row] * (*guide)[row];
      share = signal / (signal + variance);
    } else {
      const Lanes ones = Lanes{} + 1.0F;
      share = block[row] * block[row] > kCut * variance ? ones : Lanes{};
    }
    block[row] *= share;
    kept += share * share * noise[row];
  }
  if (keep_mean && guide == nullptr) {
    block[0][0] = mean;
  }
  return sum_of(kept);
}

// One pass over a tile: `pilot` is null in the first, which cuts; the second shrinks by what the pilot says.
#ifdef __x86_64__
__attribute__((target_clones("avx2", "default")))
#endif
void shrink_tile(const Rgb& noisy, const Rgb* pilot, const Spectrum& noise, const NoiseCurve& strength_of, Rgb& result) {
  const int64_t height = noisy[0].height;
  const int64_t width = noisy[0].width;
  for (Plane& plane : result) plane = Plane(height, width);
  Rgb weight = result;
  ColorBlock block;
  ColorBlock guide;
  const int64_t last_row = (height - kSide + kStep - 1) / kStep;
  const int64_t last_column = (width - kSide + kStep - 1) / kStep;
  for (int64_t i = 0; i <= last_row; ++i) {
    const int64_t y = std::min(i * kStep, height - kSide);
    for (int64_t j = 0; j <= last_column; ++j) {
      const int64_t x = std::min(j * kStep, width - kSide);
      spectrum_of(noisy, y, x, block);
      if (pilot != nullptr) spectrum_of(*pilot, y, x, guide);
      const float level = block[0][0][0] * (0.57735027F / kSide);  // mean of the three colours
      const float strength = strength_of.variance(level);
      for (size_t c = 0; c < 3; ++c) {
        const float kept =
            shrink(block[c], pilot != nullptr ? &guide[c] : nullptr, noise.variance[c], strength, c == 0);
        const float w = 1.0F / (kept + 1e-12F);
        transform_block_back(kCosines, block[c]);
        for (int64_t row = 0; row < kSide; ++row) {
          float* const out = result[c].row(y + row) + x;
          float* const sum = weight[c].row(y + row) + x;
          Lanes lanes;
          load_lanes(out, lanes);
          store_lanes(lanes + w * block[c][static_cast<size_t>(row)], out);
          load_lanes(sum, lanes);
          store_lanes(lanes + w, sum);
        }
      }
    }
  }
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < result[c].values.size(); ++i) result[c].values[i] /= weight[c].values[i];
  }
}

// The part of `rgb` from (`top`, `left`) on, mirrored where it ends.
Rgb cut_colors(const Rgb& rgb, int64_t top, int64_t left, int64_t height, int64_t width) {
  Rgb result{Plane(height, width), Plane(height, width), Plane(height, width)};
  for (size_t c = 0; c < 3; ++c) {
    for (int64_t y = 0; y < height; ++y) {
      const float* in = rgb[c].row(mirrored(top + y, rgb[c].height));
      float* out = result[c].row(y);
      for (int64_t x = 0; x < width; ++x) out[x] = in[mirrored(left + x, rgb[c].width)];
    }
  }
  return result;
}

}  // namespace

void denoise_demosaiced(const Mosaic& mosaic, Rgb& rgb) {
  if (!mosaic.noisy()) return;
  std::array<float, 3> sigma{};
  for (size_t c = 0; c < 3; ++c) sigma[c] = mosaic.noise[c].sigma(kReference);
  // The noisiest colour says how strong noise is at a level, and the spectrum is that of noise of variance 1 there.
  const size_t loudest = static_cast<size_t>(std::max_element(sigma.begin(), sigma.end()) - sigma.begin());
  const float unit = std::max(sigma[loudest], 1e-6F);
  const Spectrum noise = unit_spectrum(mosaic.pattern, {sigma[0] / unit, sigma[1] / unit, sigma[2] / unit});
  constexpr int64_t kBorder = 2 * kSide;
  const int64_t height = rgb[0].height;
  const int64_t width = rgb[0].width;
  const int64_t rows = (height + kTileSide - 1) / kTileSide;
  const int64_t columns = (width + kTileSide - 1) / kTileSide;
  const Rgb noisy = rgb;
#pragma omp parallel for schedule(dynamic)
  for (int64_t index = 0; index < rows * columns; ++index) {
    const int64_t top = index / columns * kTileSide;
    const int64_t left = index % columns * kTileSide;
    const int64_t h = std::min(kTileSide, height - top);
    const int64_t w = std::min(kTileSide, width - left);
    const Rgb tile = to_opponent(cut_colors(noisy, top - kBorder, left - kBorder, h + 2 * kBorder, w + 2 * kBorder));
    Rgb pilot;
    Rgb made;
    shrink_tile(tile, nullptr, noise, mosaic.noise[loudest], pilot);
    shrink_tile(tile, &pilot, noise, mosaic.noise[loudest], made);
    for (int64_t y = 0; y < h; ++y) {
      for (int64_t x = 0; x < w; ++x) {
        for (size_t c = 0; c < 3; ++c) {
          float value = 0.0F;
          for (size_t k = 0; k < 3; ++k) value += kOpponent[k][c] * made[k].row(y + kBorder)[x + kBorder];
          rgb[c].row(top + y)[left + x] = value;
        }
      }
    }
  }
}

}  // namespace zsr::raw
