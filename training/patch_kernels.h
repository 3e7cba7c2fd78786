#pragma once

#include "core/random.h"
#include "degradations/kernel.h"
#include "training/patches.h"

#include <cstdint>

namespace zsr::training {

/// Low levels are more frequent: what noise hides cannot be learned, and its errors are large beside all others.
double draw_noise(const PatchOptions& options, Random& random, double hardness);

/// SRMD's blur before imresize: anything from a point to as wide as the scale, along and across, in HR pixels.
BlurKernel draw_srmd_kernel(const PatchOptions& options, Random& random, double hardness);

/// Gaussians that leave no more than photos have between every `scale`-th pixel, and the widest that photos have.
BlurKernel draw_direct_kernel(int64_t scale, Random& random);

/// Most photos' LR grid stands in the middle, that of image[::s] in a corner, which turns with the photo.
Phase draw_phase(int64_t scale, Random& random);

/// The whole way down of a photo: bicubic, or a blur as wide as photos have.
BlurKernel draw_start_kernel(const PatchOptions& options, Random& random, double hardness);

/// Any blur of 25 x 25 pixels: Gaussians, camera shake, straight motion, lenses out of focus, bicubic downscaling.
BlurKernel draw_any_kernel(const PatchOptions& options, int64_t scale, Random& random, double hardness);

}  // namespace zsr::training
