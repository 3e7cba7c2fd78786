#include "raw/noise_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace zsr::raw {
namespace {

constexpr int64_t kBlock = 8;  // samples a side
constexpr size_t kBins = 24;
// The smoothest of like brightness are least textured: on mosaics of 24 photos (Set14, BSD68) with noise that has a
// standard deviation of 0.0319 at 0.5 the median found is 0.0395; with a quantile of 0.25 0.0413.
constexpr double kQuantile = 0.05;
// Of the variance estimates of blocks of pure noise (49 differences of four samples, not independent), that quantile
// over their mean; measured on 200,000 such blocks.
constexpr double kQuantileOfNoise = 0.589;

struct Sample {
  double mean;
  double variance;
};

// Blocks of every `step`-th sample from (`top`, `left`) on, which are of one colour.
void add_blocks(const Plane& values, int64_t top, int64_t left, int64_t step, std::vector<Sample>& out) {
  const int64_t stride = kBlock * step;
  for (int64_t y = top; y + stride <= values.height; y += stride) {
    for (int64_t x = left; x + stride <= values.width; x += stride) {
      const auto at = [&](int64_t i, int64_t j) { return values.row(y + i * step)[x + j * step]; };
      double sum = 0.0;
      bool saturated = false;
      for (int64_t i = 0; i < kBlock; ++i) {
        for (int64_t j = 0; j < kBlock; ++j) {
          sum += at(i, j);
          saturated = saturated || at(i, j) > 0.95F;
        }
      }
      if (saturated) continue;
      // Mixed second differences: a plane leaves nothing, white noise of variance 1 leaves 4.
      double squares = 0.0;
      for (int64_t i = 0; i + 1 < kBlock; ++i) {
        for (int64_t j = 0; j + 1 < kBlock; ++j) {
          const double difference = at(i, j) - at(i + 1, j) - at(i, j + 1) + at(i + 1, j + 1);
          squares += difference * difference;
        }
      }
      constexpr double kDifferences = (kBlock - 1) * (kBlock - 1);
      out.push_back({sum / (kBlock * kBlock), squares / (4.0 * kDifferences)});
    }
  }
}

struct Bin {
  double mean;
  double variance;
  double weight;
};

// Of blocks sorted by brightness, groups of equal number, each with the variance of its smoothest.
std::vector<Bin> bins_of(std::vector<Sample>& samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.mean < b.mean; });
  std::vector<Bin> bins;
  const size_t count = std::min(kBins, samples.size() / 12);
  for (size_t b = 0; b < count; ++b) {
    const size_t first = samples.size() * b / count;
    const size_t last = samples.size() * (b + 1) / count;
    std::vector<double> variances;
    double mean = 0.0;
    for (size_t i = first; i < last; ++i) {
      variances.push_back(samples[i].variance);
      mean += samples[i].mean;
    }
    const auto place = static_cast<size_t>(kQuantile * static_cast<double>(variances.size()));
    std::nth_element(variances.begin(), variances.begin() + static_cast<ptrdiff_t>(place), variances.end());
    const double variance = variances[place] / kQuantileOfNoise;
    bins.push_back({mean / static_cast<double>(last - first), variance, static_cast<double>(last - first)});
  }
  return bins;
}

// The line variance = gain * mean + read^2 with the smallest relative error, neither coefficient negative; the weights
// of bins far above the line, which have texture, fall.
NoiseModel line_through(const std::vector<Bin>& bins) {
  double gain = 0.0;
  double floor = 0.0;
  std::vector<double> expected;
  for (const Bin& bin : bins) expected.push_back(bin.variance + 1e-12);
  for (int round = 0; round < 20; ++round) {
    double w = 0.0, wx = 0.0, wy = 0.0, wxx = 0.0, wxy = 0.0;
    for (size_t i = 0; i < bins.size(); ++i) {
      const double excess = bins[i].variance / expected[i] - 1.0;
      const double trust = excess > 0.0 && round > 0 ? 1.0 / (1.0 + 16.0 * excess * excess) : 1.0;
      const double weight = trust * bins[i].weight / (expected[i] * expected[i]);
      const double x = std::max(bins[i].mean, 0.0);
      w += weight;
      wx += weight * x;
      wy += weight * bins[i].variance;
      wxx += weight * x * x;
      wxy += weight * x * bins[i].variance;
    }
    const double determinant = w * wxx - wx * wx;
    gain = determinant > 1e-12 * w * wxx ? (w * wxy - wx * wy) / determinant : 0.0;
    floor = (wy - gain * wx) / w;
    if (gain < 0.0) {
      gain = 0.0;
      floor = wy / w;
    }
    if (floor < 0.0) {
      floor = 0.0;
      gain = wxx > 0.0 ? wxy / wxx : 0.0;
    }
    for (size_t i = 0; i < bins.size(); ++i) expected[i] = gain * std::max(bins[i].mean, 0.0) + floor + 1e-12;
  }
  return {gain, std::sqrt(floor)};
}

}  // namespace

NoiseModel fit_noise(const Plane& values, const MosaicPattern& pattern) {
  if (values.height < 64 || values.width < 64) return {};
  std::vector<Sample> samples;
  const int64_t step = pattern.side();
  // Every place of a tile has one colour; X-Trans has 36 places, of which a diagonal is enough.
  for (int64_t y = 0; y < step; ++y) {
    for (int64_t x = 0; x < step; ++x) {
      if (pattern.is_bayer() || x == y || x == (y + 3) % 6) add_blocks(values, y, x, step, samples);
    }
  }
  if (samples.size() < 24) return {};
  std::vector<Bin> bins = bins_of(samples);
  return line_through(bins);
}

}  // namespace zsr::raw
