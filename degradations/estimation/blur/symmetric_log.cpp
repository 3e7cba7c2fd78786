#include "degradations/estimation/blur/symmetric_log.h"

#include <algorithm>
#include <cmath>

namespace zsr::blur {

std::array<double, 3> log_of(const Covariance& covariance) {
  constexpr double kLeast = 1e-4;
  const double middle = 0.5 * (covariance.xx + covariance.yy);
  const double half = 0.5 * (covariance.xx - covariance.yy);
  const double radius = std::hypot(half, covariance.xy);
  const double large = std::log(std::max(middle + radius, kLeast));
  const double small = std::log(std::max(middle - radius, kLeast));
  const double spread = 0.5 * (large - small);
  if (radius <= 0.0) return {large, 0.0, 0.0};
  return {0.5 * (large + small), spread * half / radius, spread * covariance.xy / radius};
}

Covariance exp_of(const std::array<double, 3>& logarithm) {
  const double spread = std::hypot(logarithm[1], logarithm[2]);
  const double middle = std::exp(logarithm[0]) * std::cosh(spread);
  // sinh(s) / s, continued at 0.
  const double ratio = std::exp(logarithm[0]) * (spread > 1e-9 ? std::sinh(spread) / spread : 1.0);
  return {middle + ratio * logarithm[1], middle - ratio * logarithm[1], ratio * logarithm[2]};
}

}  // namespace zsr::blur
