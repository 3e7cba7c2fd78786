#include "raw/noise_model.h"

#include <algorithm>
#include <cmath>

namespace zsr::raw {

double NoiseModel::variance(double value) const {
  return gain * std::max(value, 0.0) + read * read;
}

double NoiseModel::sigma(double value) const {
  return std::sqrt(variance(value));
}

NoiseCurve::NoiseCurve(double sigma) {
  variance_.fill(static_cast<float>(sigma * sigma));
}

NoiseCurve::NoiseCurve(const NoiseModel& model)
    : NoiseCurve(from([&](double value) { return model.variance(value); })) {}

float NoiseCurve::sigma(float value) const {
  return std::sqrt(variance(value));
}

bool NoiseCurve::any() const {
  return std::any_of(variance_.begin(), variance_.end(), [](float value) { return value > 0.0F; });
}

}  // namespace zsr::raw
