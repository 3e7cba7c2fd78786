#pragma once

#include <cstdint>
#include <optional>
#include <vector>

// Single measurements behind degradations/estimation/photo_condition.h. Plain arrays, no tensors.
namespace zsr::condition {

/// One channel of a crop, row by row, in levels from 0 to 255 (fractions where the photo has 16 bits).
struct Plane {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;
  float at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
  const float* row(int64_t y) const { return values.data() + y * width; }
};

/// A crop of a photo: luma (ITU-R BT.601), and R - luma and B - luma where it has colour (else empty). All crops of a
/// photo have one size and begin at multiples of 8.
struct Crop {
  Plane luma;
  Plane red;
  Plane blue;
};

/// Noise in the flattest blocks of 8 x 8 pixels.
struct BlockNoise {
  double luma = 0.0;           ///< Standard deviation around a plane fitted to each block, 1/255.
  double luma_fine = 0.0;      ///< The same from second differences along both axes; smaller where noise is correlated.
  double luma_median = 0.0;    ///< Median of all blocks, not only of the flattest.
  double chroma = 0.0;         ///< Of R - luma and B - luma, second differences, root mean square of both.
  double fine_median = 0.0;    ///< Median over all blocks of what `luma_fine` is the 5th percentile of.
  double chroma_median = 0.0;  ///< The same of `chroma`. Noise raises all blocks alike, texture only some.
  std::optional<double> correlation;  ///< Mean of the lag-1 autocorrelations along rows and columns.
  size_t usable = 0;                  ///< Blocks that are neither burnt out nor without any contrast.
  double flat_share = 0.0;            ///< Share of blocks whose pixels are all equal.
  double smooth_share = 0.0;          ///< Share of blocks whose luma spans at most 2 levels.
};
/// `luma_fine` and `chroma` of white noise of level 1: the 5th percentile of blocks is lower than their mean
/// (measured).
constexpr double kFlatQuantile = 0.78;
/// Fewer usable blocks say nothing of noise: all figures but the shares stay 0.
constexpr size_t kFewestBlocks = 8;
BlockNoise measure_block_noise(const std::vector<Crop>& crops);

/// Traces of blocks of 8 x 8 pixels on the grid.
struct BlockGrid {
  int64_t offset_y = 0;
  int64_t offset_x = 0;
  double contrast = 0.0;     ///< Jumps across the grid over jumps elsewhere, less 1; the smaller of both directions.
  double zero_excess = 0.0;  ///< Share of near-zero DCT coefficients on the grid less that on the grid moved by 4.
  size_t best_crop = 0;      ///< The crop in which the grid is clearest.
};
BlockGrid measure_block_grid(const std::vector<Crop>& crops);

/// Periodic changes of sharpness along rows and columns.
struct Periodicity {
  std::optional<double> block_period;    ///< Pixels; of a block grid that is not 8 pixels wide.
  double block_score = 0.0;              ///< Power at its harmonics over the background; 0 where none was searched.
  std::optional<double> peak_frequency;  ///< Cycles per pixel; the single strongest line (interpolation leaves one).
  double peak_score = 0.0;
};
Periodicity measure_periodicity(const std::vector<Crop>& crops);

/// The median profile across strong isolated edges.
struct EdgeProfile {
  double width = 0.0;      ///< 10 to 90 %, pixels.
  double overshoot = 0.0;  ///< Beside the edge, as a part of its height; mean of both sides.
  double ripple = 0.0;     ///< Median deviation of single profiles 3 to 6 pixels from the edge, as a part of height.
  int64_t edges = 0;
};
/// Empty where fewer than 12 edges stand out.
std::optional<EdgeProfile> measure_edges(const std::vector<Crop>& crops);

/// Power spectrum of the luma.
struct Spectrum {
  double half_power =
      0.5;  ///< Cycles per pixel: where power times squared frequency is half of its level at 0.06 to 0.15.
  double upper_band = 0.0;   ///< dB: power times squared frequency at 0.35 to 0.5 against that at 0.06 to 0.15.
  double cutoff = 0.5;       ///< Cycles per pixel: where it falls most steeply.
  double cutoff_drop = 0.0;  ///< dB: how much it falls there, within an octave quarter.
  /// dB: the largest difference between the fall over 0.05 cycles per pixel and the fall over the 0.05 before it. A
  /// Gaussian blur falls ever faster, but evenly (2 dB at a standard deviation of 1.4 pixels); a sinc filter breaks
  /// off.
  double break_off = 0.0;
  bool halftone = false;  ///< Two isolated peaks at right angles and of one frequency.
};
/// Empty where nothing is there to measure (flat photo).
std::optional<Spectrum> measure_spectrum(const std::vector<Crop>& crops);

/// Share of pixels that the 8 most frequent colours (32 levels a channel) cover.
double share_of_few_colours(const std::vector<Crop>& crops);

}  // namespace zsr::condition
