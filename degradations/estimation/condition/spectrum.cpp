#include "degradations/estimation/condition/measures.h"

#include <opencv2/core.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zsr::condition {
namespace {

constexpr int64_t kRings = 40;  // of equal width, from 0 to 0.5 cycles per pixel

// Power of the crop under a Hann window, mean taken away, in dB-free units; frequencies as OpenCV orders them.
cv::Mat power_of(const Plane& plane) {
  const int rows = static_cast<int>(plane.height);
  const int columns = static_cast<int>(plane.width);
  cv::Mat image(rows, columns, CV_32F);
  double mean = 0.0;
  for (const float value : plane.values) mean += value;
  mean /= static_cast<double>(plane.values.size());
  std::vector<float> window(static_cast<size_t>(columns));
  for (int x = 0; x < columns; ++x) {
    window[static_cast<size_t>(x)] =
        static_cast<float>(0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * (x + 0.5) / columns));
  }
  for (int y = 0; y < rows; ++y) {
    const auto own = static_cast<float>(0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * (y + 0.5) / rows));
    const float* const from = plane.row(y);
    auto* const to = image.ptr<float>(y);
    for (int x = 0; x < columns; ++x)
      to[x] = (from[x] - static_cast<float>(mean)) * own * window[static_cast<size_t>(x)];
  }
  cv::Mat spectrum;
  cv::dft(image, spectrum, cv::DFT_COMPLEX_OUTPUT);
  cv::Mat power(rows, columns, CV_32F);
  // Hann windows keep (3/8)^2 of the power; divided by that, white noise of variance v has the power v.
  const double scale = 1.0 / (0.140625 * static_cast<double>(rows) * static_cast<double>(columns));
  for (int y = 0; y < rows; ++y) {
    const auto* const from = spectrum.ptr<cv::Vec2f>(y);
    auto* const to = power.ptr<float>(y);
    for (int x = 0; x < columns; ++x) {
      to[x] = static_cast<float>(
          scale * (static_cast<double>(from[x][0]) * from[x][0] + static_cast<double>(from[x][1]) * from[x][1]));
    }
  }
  return power;
}

double signed_frequency(int index, int size) {
  return static_cast<double>(index <= size / 2 ? index : index - size) / size;
}

// Mean power times squared frequency, ring by ring: flat for a sharp photo (its amplitudes fall as 1/f).
std::vector<double> whitened_rings(const cv::Mat& power) {
  std::vector<double> sum(kRings);
  std::vector<double> count(kRings);
  for (int y = 0; y < power.rows; ++y) {
    const double fy = signed_frequency(y, power.rows);
    for (int x = 0; x < power.cols; ++x) {
      const double fx = signed_frequency(x, power.cols);
      const double squared = fy * fy + fx * fx;
      const auto ring = static_cast<int64_t>(std::sqrt(squared) * 2.0 * kRings);
      if (ring >= kRings) continue;
      sum[static_cast<size_t>(ring)] += power.at<float>(y, x) * squared;
      count[static_cast<size_t>(ring)] += 1.0;
    }
  }
  for (size_t i = 0; i < kRings; ++i) sum[i] /= std::max(1.0, count[i]);
  return sum;
}

double mean_between(const std::vector<double>& rings, double low, double high) {
  double sum = 0.0;
  double count = 0.0;
  for (size_t i = 0; i < rings.size(); ++i) {
    const double frequency = (static_cast<double>(i) + 0.5) / (2.0 * kRings);
    if (frequency < low || frequency > high) continue;
    sum += rings[i];
    count += 1.0;
  }
  return sum / std::max(1.0, count);
}

// Decibels over the median of the 13 x 13 neighbours outside the middle 5 x 5; 0 where the pixel is no local maximum.
double prominence(const cv::Mat& power, int y, int x) {
  const float own = power.at<float>(y, x);
  std::vector<float> ring;
  for (int dy = -6; dy <= 6; ++dy) {
    for (int dx = -6; dx <= 6; ++dx) {
      const float other = power.at<float>((y + dy + power.rows) % power.rows, (x + dx + power.cols) % power.cols);
      if (std::max(std::abs(dy), std::abs(dx)) > 2) {
        ring.push_back(other);
      } else if (other > own) {
        return 0.0;
      }
    }
  }
  const auto middle = ring.begin() + static_cast<std::ptrdiff_t>(ring.size() / 2);
  std::nth_element(ring.begin(), middle, ring.end());
  return 10.0 * std::log10((own + 1e-6) / (*middle + 1e-6));
}

// A halftone screen is a lattice: two peaks of one frequency at right angles. Fences and tiles that lie along the
// axes and the JPEG grid are left out.
bool has_screen(const cv::Mat& power, double level) {
  struct Peak {
    double fy, fx;
  };
  std::vector<Peak> peaks;
  constexpr double kAxis = 0.025;
  constexpr double kProminent = 20.0;  // dB
  for (int y = 0; y <= power.rows / 2; ++y) {
    const double fy = signed_frequency(y, power.rows);
    if (fy < kAxis) continue;
    for (int x = 0; x < power.cols; ++x) {
      const double fx = signed_frequency(x, power.cols);
      const double radius = std::hypot(fy, fx);
      if (std::abs(fx) < kAxis || radius < 0.1 || radius > 0.6) continue;
      if (power.at<float>(y, x) * radius * radius < level) continue;  // as strong as the picture's own low frequencies
      if (prominence(power, y, x) > kProminent) peaks.push_back({fy, fx});
    }
  }
  constexpr size_t kMost = 64;
  if (peaks.size() > kMost) return false;  // drawings: lines everywhere
  for (size_t i = 0; i < peaks.size(); ++i) {
    for (size_t j = i + 1; j < peaks.size(); ++j) {
      const double a = std::hypot(peaks[i].fy, peaks[i].fx);
      const double b = std::hypot(peaks[j].fy, peaks[j].fx);
      const double cosine = (peaks[i].fy * peaks[j].fy + peaks[i].fx * peaks[j].fx) / (a * b);
      if (std::abs(a - b) < 0.1 * a && std::abs(cosine) < 0.15) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<Spectrum> measure_spectrum(const std::vector<Crop>& crops) {
  if (crops.empty()) return std::nullopt;
  cv::Mat power;
  for (const Crop& crop : crops) {
    const cv::Mat own = power_of(crop.luma);
    power = power.empty() ? own : cv::Mat(power + own);
  }
  power /= static_cast<double>(crops.size());
  const std::vector<double> rings = whitened_rings(power);
  const double level = mean_between(rings, 0.06, 0.15);
  constexpr double kLeast = 0.02;  // power times squared frequency of a photo with next to nothing in it
  if (level < kLeast) return std::nullopt;
  Spectrum found;
  constexpr int64_t kFrom = kRings * 15 / 50;
  for (int64_t i = kFrom; i + 1 < kRings; ++i) {
    const auto at = static_cast<size_t>(i);
    const double smooth = (rings[at - 1] + rings[at] + rings[at + 1]) / 3.0;
    if (smooth < 0.5 * level) {
      found.half_power = (static_cast<double>(i) + 0.5) / (2.0 * kRings);
      break;
    }
  }
  found.upper_band = 10.0 * std::log10((mean_between(rings, 0.35, 0.5) + 1e-9) / level);
  for (size_t i = 6; i + 5 < kRings; ++i) {
    const double before = rings[i - 2] + rings[i - 1];
    const double after = rings[i + 3] + rings[i + 4];
    const double drop = 10.0 * std::log10((before + 1e-9) / (after + 1e-9));
    if (drop > found.cutoff_drop) {
      found.cutoff_drop = drop;
      found.cutoff = (static_cast<double>(i) + 1.0) / (2.0 * kRings);
    }
  }
  const auto fall = [&](size_t i) {
    return 10.0 * std::log10((rings[i - 2] + rings[i - 1] + 1e-9) / (rings[i + 3] + rings[i + 4] + 1e-9));
  };
  for (size_t i = 7; i + 5 < kRings; ++i) {
    found.break_off = std::max(found.break_off, fall(i) - std::max(0.0, fall(i - 5)));
  }
  constexpr int64_t kSmallest = 64;
  if (std::min(crops[0].luma.height, crops[0].luma.width) >= kSmallest) found.halftone = has_screen(power, level);
  return found;
}

}  // namespace zsr::condition
