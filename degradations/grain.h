#pragma once

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

#include <array>
#include <cstdint>

namespace zsr {

/// Note [Grain model]
/// What a denoiser took off a photo, so that it can be put back on the enlarged photo. The grain of channel c is
///     n_c(p) = level(y(p)) * (A g)_c(p),   g = filter * white noise,   A A' = covariance,
/// with y the luma of the denoised photo. Filter and covariance have unit luma variance, so `level` alone holds the
/// strength. One filter serves all channels. Photos are [1, C, H, W] float32 CPU images in [0, 1], C = 1 or 3; luma is
/// 0.299, 0.587, 0.114. Compare Newson et al., "A stochastic film grain model for resolution-independent rendering",
/// 2017, for grain from its physics, and Norkin and Birkbeck, "Film grain synthesis for AV1 video codec", 2018, for
/// the same two parts as here: a correlated field and a strength that depends on brightness.

inline constexpr int64_t kGrainBins = 8;
inline constexpr int64_t kGrainFilterSide = 11;

struct GrainModel {
  /// Standard deviation of the luma of the grain in 1/255, at the brightness (i + 0.5) / 8; between them linear,
  /// constant towards black and white.
  std::array<double, kGrainBins> level{};
  /// Whether the photo had enough flat blocks of that brightness; the others are filled from their neighbours.
  std::array<bool, kGrainBins> measured{};
  /// Row by row, the same mirrored left to right and top to bottom; its squares sum to 1.
  std::array<double, kGrainFilterSide * kGrainFilterSide> filter{};
  int64_t channels = 3;
  /// Row by row, [channels, channels] in the first places.
  std::array<double, 9> covariance{};

  /// `level` at brightness `luma` in [0, 1].
  double level_at(double luma) const;
  /// Mean of the correlations with the lower and with the right neighbour, from the filter.
  double neighbour_correlation() const;
  /// Mean correlation of two channels; 1 for gray photos.
  double channel_correlation() const;
  /// Mean measured level between 0.25 and 0.75 over the larger measured level of the darkest and of the brightest
  /// eighth; 1 where there is nothing to compare.
  double midtone_ratio() const;
  /// Film grain spreads over several pixels, is mostly luma and is strongest in midtones. See grain.cpp for the rule.
  bool is_film_like() const;
};

/// The grain in photo - denoised, from the flattest 30 % of the 16x16 blocks of `denoised` (and of those of every
/// brightness, if not much rougher), so that detail the denoiser removed counts little; blocks with many black or white
/// pixels count for `level` only. What repeats every 8 pixels (the grid of JPEG blocks) is removed first. Where fewer
/// than 8 blocks are left the grain is white and the same in all channels. Both images at least 32x32 and of the same
/// size, else OptionError.
GrainModel analyse_grain(const torch::Tensor& photo, const torch::Tensor& denoised);

nlohmann::ordered_json to_json(const GrainModel& model);
/// The opposite. Throws InputError for missing fields and values out of range.
GrainModel grain_from_json(const nlohmann::ordered_json& json);

/// Largest growth of the grain that add_grain chooses by itself.
inline constexpr double kLargestGrainGrowth = 2.0;

/// `image`, the result enlarged by `scale` >= 1, with grain of the model. `strength` in [0, 10] multiplies its standard
/// deviation. `size` in [1, 8] multiplies its correlation length in pixels and leaves the standard deviation: 1 keeps
/// the grain of the photo at the pixels of the result, `scale` enlarges it with the picture. 0 chooses
/// min(scale, kLargestGrainGrowth): grain belongs to the film and grows with it, but grain enlarged further looks like
/// blotches. A gray model puts the same grain in all channels; a gray image takes the luma of the grain.
/// The same bytes for the same seed; clipped to [0, 1]. Throws OptionError for values out of range.
torch::Tensor add_grain(const torch::Tensor& image, const GrainModel& model, double strength, double scale,
                        uint64_t seed, double size = 0.0);

}  // namespace zsr
