#pragma once

#include "degradations/estimation/blur/spectrum.h"
#include "degradations/kernel_families.h"

namespace zsr::blur {

/// Which family of kernels explains a photo's spectrum best, in the photo's pixels.
struct FamilyFit {
  KernelFamily family = KernelFamily::kGaussian;  ///< kGaussian, kDisk or kLine.
  double size = 0.0;                              ///< Radius of a disk, length of a line; 0 for Gaussians.
  double angle = 0.0;                             ///< Of a line, radians against the x axis.
  double misfit = 0.0;                            ///< Mean square of the log spectrum that its best kernel leaves.
  double next_misfit = 0.0;                       ///< The least of the other families.
};

/// A disk (a lens out of focus) and a straight line (motion) have zeros in their spectrum, at places that tell radius,
/// length and angle; no Gaussian has. Each family's kernels are tried: the power spectrum that a photo would have under
/// the kernel (|f|^-2.4 |K(f)|^2, folded by sampling, smeared by the window, plus the noise of rounding and `noise`,
/// the standard deviation of white noise in the photo's own units) is fitted to the measured one in level and slope,
/// by logarithms. Radii of 0.8 to 5 pixels, lengths of 2 to 14.
FamilyFit fit_family(const LogSpectrum& spectrum, double noise);

/// Whether a fit tells a disk or a line from everything else; chosen on the even photos of BSDS500's test set.
bool is_certain(const FamilyFit& fit);

}  // namespace zsr::blur
