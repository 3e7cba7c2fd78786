#pragma once

#include "degradations/kernel.h"

namespace zsr {

/// The Gaussian of the same second moments as a kernel's weights about their centre of mass.
struct GaussianFit {
  double sigma_1 = 0.0;  ///< Standard deviation along `angle`, pixels; the larger one. NaN where the moment is negative
                         ///< (kernels with negative weights).
  double sigma_2 = 0.0;  ///< Across.
  double angle = 0.0;    ///< Radians in (-pi/2, pi/2], against the x axis.
  double residual = 0.0;  ///< |kernel - Gaussian| / |kernel| (Euclidean norms): 0 for a Gaussian.
};

GaussianFit fit_gaussian(const BlurKernel& kernel);

/// How two kernels differ once the second is moved, by parts of a pixel, to where it fits the first best.
struct KernelDistance {
  double shift_y = 0.0;  ///< By which the second was moved, pixels.
  double shift_x = 0.0;
  double psnr = 0.0;         ///< 20 log10(peak of the first / RMSE) over the common support, dB; infinite when equal.
  double plain_psnr = 0.0;   ///< 20 log10(1 / RMSE), dB: the peak taken as 1.
  double fkp_psnr = 0.0;     ///< The same with neither moved, over the larger array, as the FKP code counts, dB.
  double correlation = 0.0;  ///< Normalised cross-correlation, at most 1.
  double aligned_l1 = 0.0;   ///< Half the sum of |difference|: 0 equal, 1 nothing in common (for weights >= 0).
};

/// Compares on the smallest common support about the anchors. The shift is searched to 1/50 pixel within +-`reach`.
KernelDistance compare_kernels(const BlurKernel& first, const BlurKernel& second, double reach = 3.0);

/// `kernel` on a support of `height` x `width` with its anchor on the support's anchor: cut off or filled with zeros.
/// The cut weights are given back to the rest by normalisation.
BlurKernel with_support(const BlurKernel& kernel, int64_t height, int64_t width);

}  // namespace zsr
