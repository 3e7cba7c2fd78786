#include "degradations/estimation/blur/blur_family.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

namespace zsr::blur {
namespace {

constexpr int64_t kWindow = LogSpectrum::kWindow;
constexpr int64_t kFine = 2 * kWindow;  // frequencies of half a bin, since zeros lie between bins
constexpr int64_t kReach = 6;           // half bins that the window smears over
constexpr int64_t kColumns = kFine / 2 + 1 + 2 * kReach;
constexpr double kLow = 0.045;  // cycles per pixel
constexpr double kHigh = 0.5;

using Power = std::function<double(double fy, double fx)>;  // |K(f)|^2

// (2 J1(t) / t)^2 by a table.
double disk_power(double t) {
  constexpr double kStep = 0.01;
  constexpr double kEnd = 60.0;
  static const std::vector<double> table = [] {
    std::vector<double> values{1.0};
    for (double at = kStep; at < kEnd + 2.0 * kStep; at += kStep) {
      const double value = 2.0 * std::cyl_bessel_j(1.0, at) / at;
      values.push_back(value * value);
    }
    return values;
  }();
  const double at = std::min(t, kEnd) / kStep;
  const auto low = static_cast<size_t>(at);
  const double part = at - static_cast<double>(low);
  return (1.0 - part) * table[low] + part * table[low + 1];
}

Power power_of_disk(double radius) {
  return [radius](double fy, double fx) { return disk_power(2.0 * std::numbers::pi * radius * std::hypot(fy, fx)); };
}

Power power_of_line(double length, double angle) {
  return [length, y = std::sin(angle), x = std::cos(angle)](double fy, double fx) {
    const double t = std::numbers::pi * length * (fy * y + fx * x);
    const double value = std::abs(t) < 1e-6 ? 1.0 : std::sin(t) / t;
    return value * value;
  };
}

Power power_of_gaussian(double first, double second, double angle) {
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  const double scale = -4.0 * std::numbers::pi * std::numbers::pi;
  return [=](double fy, double fx) {
    const double along = c * fx + s * fy;
    const double across = -s * fx + c * fy;
    return std::exp(scale * (first * along * along + second * across * across));
  };
}

// The parts that a measured frequency is the sum of: itself and what sampling folds onto it.
struct Source {
  size_t at;  // row * kColumns + column
  double fy;
  double fx;
  double power;  // of photos
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    constexpr double kSlope = 2.4;
    constexpr double kFlat = 0.004;  // cycles per pixel, below which photos' spectra do not rise
    constexpr double kNegligible = 2e-3;
    const auto of_photos = [](double fy, double fx) {
      return std::pow(fy * fy + fx * fx + kFlat * kFlat, -0.5 * kSlope);
    };
    std::vector<Source> made;
    for (int64_t row = 0; row < kFine; ++row) {
      const double fy = static_cast<double>(row < kFine / 2 ? row : row - kFine) / static_cast<double>(kFine);
      for (int64_t column = 0; column < kColumns; ++column) {
        const double fx = static_cast<double>(column - kReach) / static_cast<double>(kFine);
        const double own = of_photos(fy, fx);
        for (const double ay : {0.0, fy > 0.0 ? -1.0 : 1.0}) {
          for (const double ax : {0.0, fx > 0.0 ? -1.0 : 1.0}) {
            const double power = of_photos(fy + ay, fx + ax);
            if (power < kNegligible * own) continue;
            made.push_back({static_cast<size_t>(row * kColumns + column), fy + ay, fx + ax, power});
          }
        }
      }
    }
    return made;
  }();
  return all;
}

// How much power the Hann window takes from `offset` half bins away; they sum to 1.
const std::array<double, 2 * kReach + 1>& smear() {
  static const std::array<double, 2 * kReach + 1> weights = [] {
    std::array<double, 2 * kReach + 1> made{};
    double sum = 0.0;
    for (int64_t offset = -kReach; offset <= kReach; ++offset) {
      double re = 0.0;
      double im = 0.0;
      for (int64_t i = 0; i < kWindow; ++i) {
        const double turn = 2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(kWindow);
        const double value = 0.5 - 0.5 * std::cos(turn);
        re += value * std::cos(0.5 * turn * static_cast<double>(offset));
        im += value * std::sin(0.5 * turn * static_cast<double>(offset));
      }
      made[static_cast<size_t>(offset + kReach)] = re * re + im * im;
      sum += re * re + im * im;
    }
    for (double& one : made) one /= sum;
    return made;
  }();
  return weights;
}

// The frequencies that count, and what was measured there.
struct Measured {
  std::vector<std::array<int64_t, 2>> at;  // row, column
  std::vector<double> log_f;
  std::vector<double> weight;
  std::vector<double> log_power;
  double floor = 0.0;
};

Measured measure(const LogSpectrum& spectrum, double noise) {
  constexpr double kEulerGamma = 0.5772156649015329;
  constexpr double kRounding = 0.05 / (255.0 * 255.0);  // of luma of 8-bit channels
  Measured measured;
  measured.floor = std::exp(std::log((kRounding + noise * noise) * spectrum.window_energy) - kEulerGamma);
  const auto power = spectrum.log_power.accessor<double, 2>();
  double sum = 0.0;
  for (int64_t row = 0; row < kWindow; ++row) {
    const double fy = static_cast<double>(row < kWindow / 2 ? row : row - kWindow) / static_cast<double>(kWindow);
    for (int64_t column = 0; column <= kWindow / 2; ++column) {
      if ((column == 0 || column == kWindow / 2) && row > kWindow / 2) continue;
      const double f = std::hypot(fy, static_cast<double>(column) / static_cast<double>(kWindow));
      if (f < kLow || f > kHigh) continue;
      measured.at.push_back({row, column});
      measured.log_f.push_back(std::log(f));
      measured.weight.push_back(1.0 / std::sqrt(f));
      measured.log_power.push_back(power[row][column]);
      sum += measured.weight.back();
    }
  }
  for (double& one : measured.weight) one /= sum;
  return measured;
}

// Logarithm of the power expected under a kernel, up to its level.
std::vector<double> expected(const Power& kernel, const Measured& measured) {
  std::vector<double> fine(static_cast<size_t>(kFine * kColumns));
  for (const Source& one : sources()) fine[one.at] += one.power * kernel(one.fy, one.fx);
  const auto& weights = smear();
  std::vector<double> rows(static_cast<size_t>(kWindow * kColumns));
  for (int64_t row = 0; row < kWindow; ++row) {
    for (int64_t offset = -kReach; offset <= kReach; ++offset) {
      const double w = weights[static_cast<size_t>(offset + kReach)];
      const double* const from = fine.data() + (2 * row + offset + kFine) % kFine * kColumns;
      double* const to = rows.data() + row * kColumns;
      for (int64_t column = 0; column < kColumns; ++column) to[column] += w * from[column];
    }
  }
  std::vector<double> log(measured.at.size());
  for (size_t i = 0; i < log.size(); ++i) {
    const double* const from = rows.data() + measured.at[i][0] * kColumns + 2 * measured.at[i][1];
    double sum = 0.0;
    for (size_t k = 0; k < weights.size(); ++k) sum += weights[k] * from[k];
    log[i] = std::log(std::max(sum, 1e-30));
  }
  return log;
}

// Level and slope by Gauss and Newton, then the mean square of what is left, bounded against outliers.
double misfit_of(const Power& kernel, const Measured& measured) {
  constexpr int kRounds = 4;
  constexpr double kStiff = 0.02;  // holds the slope near that of photos
  constexpr double kMost = 4.0;
  const std::vector<double> model = expected(kernel, measured);
  const size_t count = model.size();
  double level = 0.0;
  double level_weight = 0.0;
  for (size_t i = 0; i < count; ++i) {
    if (measured.log_f[i] > std::log(0.15)) continue;
    level += measured.weight[i] * (measured.log_power[i] - model[i]);
    level_weight += measured.weight[i];
  }
  level /= level_weight;
  double slope = 0.0;
  double misfit = 0.0;
  for (int round = 0; round <= kRounds; ++round) {
    double a11 = 1e-9;
    double a12 = 0.0;
    double a22 = kStiff;
    double b1 = 0.0;
    double b2 = -kStiff * slope;
    misfit = kStiff * slope * slope;
    for (size_t i = 0; i < count; ++i) {
      const double signal = std::exp(model[i] + level + slope * measured.log_f[i]);
      const double part = signal / (signal + measured.floor);
      const double left = measured.log_power[i] - std::log(signal + measured.floor);
      const double w = measured.weight[i];
      misfit += w * std::min(left * left, kMost);
      a11 += w * part * part;
      a12 += w * part * part * measured.log_f[i];
      a22 += w * part * part * measured.log_f[i] * measured.log_f[i];
      b1 += w * part * left;
      b2 += w * part * measured.log_f[i] * left;
    }
    if (round == kRounds) break;
    const double determinant = a11 * a22 - a12 * a12;
    level += (a22 * b1 - a12 * b2) / determinant;
    slope += (a11 * b2 - a12 * b1) / determinant;
  }
  return misfit;
}

struct Point {
  std::array<double, 3> at{};
  double misfit = 0.0;
};

using Family = std::function<Power(const std::array<double, 3>&)>;

// Steps along each axis as long as that helps, then half as far.
Point refine(const Family& family, Point best, std::array<double, 3> step, const Measured& measured) {
  constexpr int kHalvings = 3;
  for (int i = 0; i < kHalvings; ++i) {
    for (size_t axis = 0; axis < step.size(); ++axis) {
      if (step[axis] == 0.0) continue;
      for (const double sign : {-1.0, 1.0}) {
        Point tried = best;
        tried.at[axis] += sign * step[axis];
        tried.misfit = misfit_of(family(tried.at), measured);
        if (tried.misfit < best.misfit) best = tried;
      }
    }
    for (double& one : step) one *= 0.5;
  }
  return best;
}

Point best_of(const Family& family, const std::vector<std::array<double, 3>>& starts, std::array<double, 3> step,
              const Measured& measured) {
  Point best{starts[0], misfit_of(family(starts[0]), measured)};
  for (size_t i = 1; i < starts.size(); ++i) {
    const double misfit = misfit_of(family(starts[i]), measured);
    if (misfit < best.misfit) best = {starts[i], misfit};
  }
  return refine(family, best, step, measured);
}

Point best_disk(const Measured& measured) {
  std::vector<std::array<double, 3>> starts;
  for (double radius = 0.8; radius < 5.05; radius += 0.1) starts.push_back({radius});
  return best_of([](const auto& at) { return power_of_disk(at[0]); }, starts, {0.05, 0.0, 0.0}, measured);
}

Point best_line(const Measured& measured) {
  std::vector<std::array<double, 3>> starts;
  for (double length = 2.0; length < 14.25; length += length < 8.0 ? 0.5 : 1.0) {
    for (int turn = 0; turn < 24; ++turn) starts.push_back({length, turn * std::numbers::pi / 24.0});
  }
  return best_of([](const auto& at) { return power_of_line(at[0], at[1]); }, starts,
                 {0.4, 0.5 * std::numbers::pi / 24.0, 0.0}, measured);
}

Point best_gaussian(const Measured& measured) {
  constexpr std::array<double, 6> kVariances = {0.1, 0.25, 0.5, 0.9, 1.6, 3.0};
  std::vector<std::array<double, 3>> starts;
  for (const double first : kVariances) {
    for (const double second : kVariances) {
      if (second > first) continue;
      for (int turn = 0; turn < (second < first ? 6 : 1); ++turn) {
        starts.push_back({std::log(first), std::log(second), turn * std::numbers::pi / 6.0});
      }
    }
  }
  return best_of([](const auto& at) { return power_of_gaussian(std::exp(at[0]), std::exp(at[1]), at[2]); }, starts,
                 {0.3, 0.3, std::numbers::pi / 12.0}, measured);
}

}  // namespace

FamilyFit fit_family(const LogSpectrum& spectrum, double noise) {
  const Measured measured = measure(spectrum, noise);
  const Point disk = best_disk(measured);
  const Point line = best_line(measured);
  const Point gaussian = best_gaussian(measured);
  FamilyFit fit{.misfit = gaussian.misfit, .next_misfit = std::min(disk.misfit, line.misfit)};
  if (disk.misfit < std::min(line.misfit, gaussian.misfit)) {
    fit = {KernelFamily::kDisk, disk.at[0], 0.0, disk.misfit, std::min(line.misfit, gaussian.misfit)};
  } else if (line.misfit < gaussian.misfit) {
    fit = {KernelFamily::kLine, line.at[0], line.at[1], line.misfit, std::min(disk.misfit, gaussian.misfit)};
  }
  return fit;
}

bool is_certain(const FamilyFit& fit) {
  constexpr double kMostRatio = 0.6;
  constexpr double kLeastRadius = 1.2;
  constexpr double kLeastLength = 3.2;
  if (fit.misfit > kMostRatio * fit.next_misfit) return false;
  return (fit.family == KernelFamily::kDisk && fit.size > kLeastRadius) ||
         (fit.family == KernelFamily::kLine && fit.size > kLeastLength);
}

}  // namespace zsr::blur
