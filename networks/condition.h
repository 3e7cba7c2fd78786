#pragma once

#include <cstdint>

namespace zsr::networks {

/// What a network is given of a photo beside its pixels: constant maps behind the colours.
enum class Condition {
  kNone,
  kSrmd,            ///< SRMD's code of the blur before imresize (15 numbers) and, but for SRMDNF, noise / 255.
  kDamage,          ///< Noise level and JPEG quality, each where it is known: damage_maps (4).
  kKernel,          ///< The kernel itself, as an image of its own, and the noise (networks/usrnet.cpp).
  kKernelAndNoise,  ///< kernel_code (12) of the whole way down, noise / 25.5, where the LR grid stands (2).
  kMosaic,          ///< The samples of a mosaic and their noise, a value a pixel: mosaic_input (networks/demosaic.h).
  kGenerator,       ///< Noise, and where a pixel stands in JPEG's blocks: with_maps (degradations/learned/generator.h).
};

/// Numbers of SRMD's kernel code.
inline constexpr int64_t kSrmdComponents = 15;
/// Maps of a starting point of ZSSR (zssr/start.h).
inline constexpr int64_t kStartMaps = 15;

}  // namespace zsr::networks
