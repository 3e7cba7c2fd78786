#pragma once

#include "degradations/kernel.h"

#include <cstdint>
#include <string>

namespace zsr {

/// Families of blur kernels. All sizes are in HR pixels, all angles in radians against the x axis.
enum class KernelFamily {
  kGaussian,     ///< exp(-q / 2), q = x' C^-1 x with C from sigma_1, sigma_2 and angle.
  kGeneralized,  ///< exp(-q^beta / 2): heavier (beta < 1) or flatter (beta > 1) than a Gaussian.
  kPlateau,      ///< 1 / (1 + q^beta).
  kSinc,         ///< Ideal circular low-pass with angular cut-off `cutoff`: ringing and overshoot.
  kDisk,         ///< Lens out of focus: a disk of `radius`, edge pixels by their covered area.
  kLine,         ///< Straight motion of `length` along `angle`.
  kShake,        ///< Camera shake: a random smooth path of `length` drawn from `seed`.
  kBicubic,      ///< The kernel whose sampling every `scale`-th pixel is imresize's antialiased cubic.
  kDiv2krk,      ///< A Gaussian with multiplicative noise `noise` drawn from `seed` (DIV2KRK).
  kFile,         ///< Read from `file`.
};

/// A kernel as a handful of numbers, so that a record of it can be replayed. Fields that a family does not name are not
/// looked at.
struct KernelSpec {
  KernelFamily family = KernelFamily::kGaussian;
  int64_t size = 21;     ///< Rows and columns, 1 to 255. kFile has its own size, kBicubic follows the scale.
  double sigma_1 = 1.0;  ///< Standard deviation along `angle`, pixels.
  double sigma_2 = 1.0;  ///< The same across.
  double angle = 0.0;    ///< Radians.
  double beta = 1.0;     ///< Shape of kGeneralized and kPlateau.
  double cutoff = 3.0;   ///< Radians per pixel, (0, pi].
  double radius = 3.0;   ///< Of kDisk, pixels.
  double length = 9.0;   ///< Of kLine and kShake, pixels.
  double noise = 0.4;    ///< Of kDiv2krk: each weight is multiplied by U(1 - noise, 1 + noise).
  double scale = 2.0;    ///< Of kBicubic.
  double offset = 0.0;   ///< Centre of the kernel against (size - 1) / 2, both axes, pixels.
  uint64_t seed = 0;     ///< Of the random families.
  std::string file;      ///< Of kFile.
  std::string sha256;    ///< Of kFile: what the file must hash to; empty = not looked at.
  int64_t index = 0;     ///< Of kFile: which kernel of a file that holds many.
  bool flipped = false;  ///< Of kFile: written for true convolution (KernelConvention::kKair).
  bool move = false;     ///< Of kFile: moved, array growing, so that its phase is phase_y, phase_x.
  double phase_y = 0.0;
  double phase_x = 0.0;
  double shift = 0.0;  ///< Of kFile: moved by that much along both axes inside its own array (see shifted_inside).
};

/// Builds the kernel. Throws OptionError for values out of range and the errors of `load_kernel`. Weights sum to 1.
/// Sources: kGaussian, kGeneralized, kPlateau, kSinc as Real-ESRGAN's basicsr/data/degradations.py; kDiv2krk as
/// KernelGAN's dataset: covariance, multiplicative noise, normalisation; kShake is our own: a damped random walk of the
/// velocity in the spirit of Boracchi and Foi 2012, drawn with bilinear weights.
BlurKernel make_kernel(const KernelSpec& spec);

/// k4 = up2(k2) * k2: the kernel of two downscalings by 2 with `kernel` one after the other, phase kept so that
/// the result is aligned for factor 4 when `kernel` is for factor 2 (KernelGAN's analytic x4, not cropped).
BlurKernel compose(const BlurKernel& kernel, int64_t factor = 2);

/// Downscaling by `factor` with `first`, then a blur of the small image by `second`, as one kernel on the large image.
BlurKernel compose(const BlurKernel& first, const BlurKernel& second, int64_t factor);

}  // namespace zsr
