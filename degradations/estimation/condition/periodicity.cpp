#include "degradations/estimation/condition/measures.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::condition {
namespace {

constexpr int64_t kBins = 512;  // frequencies from 0 to 0.5 cycles per pixel, in steps of 1 / (2 * kBins)

// Mean absolute second difference along a row, by column (or along a column, by row).
std::vector<double> sharpness_profile(const Plane& plane, bool along_rows) {
  const int64_t inner = along_rows ? plane.width : plane.height;
  const int64_t outer = along_rows ? plane.height : plane.width;
  const int64_t step = along_rows ? 1 : plane.width;
  std::vector<double> profile(static_cast<size_t>(std::max<int64_t>(0, inner - 2)));
  constexpr float kClamp = 20.0F;  // strong edges must not decide
  for (size_t i = 0; i < profile.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    for (int64_t j = 0; j < outer; ++j) {
      const float* const p = plane.values.data() + (along_rows ? j * plane.width + at : at * plane.width + j);
      profile[i] += std::min(kClamp, std::abs(p[0] - 2.0F * p[step] + p[2 * step]));
    }
    profile[i] /= static_cast<double>(outer);
  }
  return profile;
}

// Log of the profile over its running mean, tapered.
void detrend(std::vector<double>& profile) {
  constexpr int64_t kHalfWindow = 12;
  const auto size = static_cast<int64_t>(profile.size());
  std::vector<double> flat(profile.size());
  for (int64_t i = 0; i < size; ++i) {
    double sum = 0.0;
    int64_t count = 0;
    for (int64_t j = std::max<int64_t>(0, i - kHalfWindow); j <= std::min(size - 1, i + kHalfWindow); ++j, ++count) {
      sum += profile[static_cast<size_t>(j)];
    }
    const double mean = sum / static_cast<double>(count);
    const double taper =
        0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(size));
    flat[static_cast<size_t>(i)] = taper * std::log((profile[static_cast<size_t>(i)] + 0.05) / (mean + 0.05));
  }
  profile = flat;
}

void add_power(const std::vector<double>& profile, std::vector<double>& power) {
  static const std::vector<double> cosine = [] {
    std::vector<double> table(2 * kBins);
    for (size_t i = 0; i < table.size(); ++i) table[i] = std::cos(std::numbers::pi * static_cast<double>(i) / kBins);
    return table;
  }();
  constexpr size_t kTurn = 2 * kBins;
  for (size_t k = 0; k <= kBins; ++k) {
    double re = 0.0;
    double im = 0.0;
    for (size_t i = 0; i < profile.size(); ++i) {
      re += profile[i] * cosine[(k * i) % kTurn];
      im += profile[i] * cosine[(k * i + kTurn / 4 * 3) % kTurn];
    }
    power[k] += (re * re + im * im) / static_cast<double>(profile.size());
  }
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Each power over the median of its surroundings: lines stand out, the slow changes of a scene do not.
std::vector<double> lines_of(const std::vector<double>& power) {
  constexpr int64_t kNear = 28;
  std::vector<double> lines(power.size());
  for (int64_t k = 0; k <= kBins; ++k) {
    const int64_t low = std::clamp<int64_t>(k - kNear, 0, kBins - 2 * kNear);
    const double around = median({power.begin() + low, power.begin() + low + 2 * kNear});
    lines[static_cast<size_t>(k)] = around > 1e-12 ? power[static_cast<size_t>(k)] / around : 0.0;
  }
  return lines;
}

// The strongest line within one bin of `frequency`.
double line_at(const std::vector<double>& lines, double frequency) {
  const auto bin = static_cast<int64_t>(std::llround(frequency * 2.0 * kBins));
  double largest = 0.0;
  for (int64_t k = std::max<int64_t>(0, bin - 1); k <= std::min(kBins, bin + 1); ++k) {
    largest = std::max(largest, lines[static_cast<size_t>(k)]);
  }
  return largest;
}

}  // namespace

Periodicity measure_periodicity(const std::vector<Crop>& crops) {
  Periodicity found;
  constexpr int64_t kShortest = 48;
  if (crops.empty() || std::min(crops[0].luma.height, crops[0].luma.width) < kShortest) return found;
  std::vector<double> rows(kBins + 1);
  std::vector<double> columns(kBins + 1);
  for (const Crop& crop : crops) {
    std::vector<double> profile = sharpness_profile(crop.luma, true);
    detrend(profile);
    add_power(profile, rows);
    profile = sharpness_profile(crop.luma, false);
    detrend(profile);
    add_power(profile, columns);
  }
  rows = lines_of(rows);
  columns = lines_of(columns);
  constexpr size_t kLowest = 2 * kBins / 10;  // below, scenes have lines of their own
  for (size_t k = kLowest; k <= kBins; ++k) {
    const double score = std::min(rows[k], columns[k]);
    if (score > found.peak_score) {
      found.peak_score = score;
      found.peak_frequency = static_cast<double>(k) / (2.0 * kBins);
    }
  }
  // A grid of narrow lines has power at all its harmonics; three are asked for, so the shortest period is 6 pixels.
  constexpr double kShortestPeriod = 6.0;
  constexpr double kLongestPeriod = 24.0;
  for (double period = kShortestPeriod; period <= kLongestPeriod; period *= 1.002) {
    double sum = 0.0;
    for (int n = 1; n <= 3; ++n) {
      const double both = std::min(line_at(rows, n / period), line_at(columns, n / period));
      sum += std::log(both + 1e-9);
    }
    const double score = std::exp(sum / 3.0);
    if (score > found.block_score) {
      found.block_score = score;
      found.block_period = period;
    }
  }
  return found;
}

}  // namespace zsr::condition
