#pragma once

#include <array>

namespace zsr::blur {

/// Covariance of a blur in pixels squared: variances along x and y and their covariance.
struct Covariance {
  double xx = 0.0;
  double yy = 0.0;
  double xy = 0.0;
};

/// The logarithm of a covariance matrix as (l, p, q): mean of its eigenvalues' logarithms l; half their difference,
/// turned by twice the first axis' angle, (p, q). In these numbers relative errors of the variances are plain
/// differences, every triple is a covariance, and transposing the photo negates p, mirroring it negates q.
/// Eigenvalues below 1e-4 count as that.
std::array<double, 3> log_of(const Covariance& covariance);
/// Its inverse.
Covariance exp_of(const std::array<double, 3>& logarithm);

}  // namespace zsr::blur
