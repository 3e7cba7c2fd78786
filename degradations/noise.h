#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>

namespace zsr {

/// Note [Noise]
/// All functions take and give [1, C, H, W] float32 CPU images in [0, 1] (C = 1 or 3), clip the result to [0, 1] and
/// draw from `seed` alone, the same on every machine. Levels are in units of 1/255.

enum class NoiseColor {
  kGray,        ///< The same number for all channels of a pixel.
  kColor,       ///< Independent channels.
  kCorrelated,  ///< Channels with a given 3 x 3 covariance.
};

/// image + N(0, (level / 255)^2). For kCorrelated, `covariance` (row by row, in units of (1/255)^2) replaces `level`;
/// it must be symmetric and positive semi-definite, else OptionError. Gray images take kColor whatever is asked.
torch::Tensor add_gaussian_noise(const torch::Tensor& image, double level, NoiseColor color, uint64_t seed,
                                 const std::array<double, 9>& covariance = {});

/// image + image * N(0, (level / 255)^2): the same noise, multiplied by the signal (BSRGAN's speckle).
torch::Tensor add_speckle(const torch::Tensor& image, double level, NoiseColor color, uint64_t seed,
                          const std::array<double, 9>& covariance = {});

/// Photon noise. The image is first rounded to 8 bits; then out = image + strength * (Poisson(image * photons) /
/// photons
/// - image). kGray draws one number a pixel for its luma (0.299, 0.587, 0.114) and adds that to all channels.
/// BSRGAN: photons 10^U(2, 4), strength 1. Real-ESRGAN: photons the number of distinct levels rounded up to a power of
/// two (see `distinct_levels`), strength U(0.05, 3).
torch::Tensor add_poisson_noise(const torch::Tensor& image, double photons, double strength, NoiseColor color,
                                uint64_t seed);

/// Distinct 8-bit levels of the image (of its luma for `color` kGray), rounded up to a power of two.
double distinct_levels(const torch::Tensor& image, NoiseColor color);

/// A simple camera: tone curve undone (sRGB), colours taken through an RGGB mosaic, shot and read noise added to the
/// raw values (variance shot * x + read^2 for x in [0, 1]), mosaic filled by the linear filters of Malvar, He and
/// Cutler 2004, tone curve applied. `shot` and `read` as in Brooks et al. 2019. Gray images skip the mosaic.
torch::Tensor add_camera_noise(const torch::Tensor& image, double shot, double read, uint64_t seed);

/// Largest `size_px` of FilmGrain.
inline constexpr double kLargestGrain = 16.0;

/// Simple film grain: Gaussian noise, smoothed, of a strength that depends on brightness.
struct FilmGrain {
  double level = 10.0;   ///< Standard deviation in midtones of every channel, 1/255; 0 to 1000.
  double size_px = 0.7;  ///< White noise is smoothed by a Gaussian of this standard deviation; 0 (white) to 16.
  double chroma = 0.0;   ///< Two channels have correlation 1 - chroma; 0 to 1.
  double midtone = 0.5;  ///< The level is multiplied by 1 - midtone * (2 y - 1)^2 at luma y; 0 to 1.
};

/// image + grain. The smoothed noise has the standard deviation `level` whatever `size_px` is, at the border too.
/// Luma is 0.299, 0.587, 0.114. Gray images have no chroma. Throws OptionError for values out of range.
torch::Tensor add_film_grain(const torch::Tensor& image, const FilmGrain& grain, uint64_t seed);

/// Unsharp masking as Real-ESRGAN's USM: image + weight * (image - blurred) where the difference is over `threshold`
/// (1/255 units), the mask softened by the same blur (`radius` pixels made odd, sigma from OpenCV's rule).
torch::Tensor sharpen(const torch::Tensor& image, double weight, int64_t radius, double threshold);

}  // namespace zsr
