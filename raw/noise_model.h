#pragma once

#include <array>
#include <cstddef>

namespace zsr::raw {

/// Noise of raw values x in [0, 1] (black 0, white 1): variance gain * x + read^2 (Foi, Trimeche, Katkovnik and
/// Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", 2008).
struct NoiseModel {
  double gain = 0.0;  ///< >= 0.
  double read = 0.0;  ///< >= 0. Standard deviation at black.

  double variance(double value) const;
  double sigma(double value) const;
  bool any() const { return gain > 0.0 || read > 0.0; }
  bool operator==(const NoiseModel&) const = default;
};

/// Variance of noise as a function of a value in [0, 1]: kept at equal distances, linear between them.
class NoiseCurve {
 public:
  /// None.
  NoiseCurve() = default;
  /// The same at all values, a standard deviation.
  explicit NoiseCurve(double sigma);
  /// That of raw values.
  explicit NoiseCurve(const NoiseModel& model);
  /// `variance_at` gives the variance at a value.
  template <typename Function>
  static NoiseCurve from(const Function& variance_at) {
    NoiseCurve curve;
    for (size_t i = 0; i < kPoints; ++i) {
      curve.variance_[i] = static_cast<float>(variance_at(static_cast<double>(i) / (kPoints - 1)));
    }
    return curve;
  }

  float variance(float value) const {
    const float place = (value > 0.0F ? (value < 1.0F ? value : 1.0F) : 0.0F) * (kPoints - 1);
    const auto index = static_cast<size_t>(place);
    if (index + 1 >= kPoints) return variance_[kPoints - 1];
    const float rest = place - static_cast<float>(index);
    return variance_[index] + rest * (variance_[index + 1] - variance_[index]);
  }
  float sigma(float value) const;
  /// Whether there is any noise.
  bool any() const;

 private:
  static constexpr size_t kPoints = 65;
  std::array<float, kPoints> variance_{};
};

}  // namespace zsr::raw
