#pragma once

#include "degradations/estimation/estimate.h"

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace zsr {

/// What a photo tells about its own history: noise, compression, sharpness, earlier resizing. Fields that the photo is
/// too small or too empty for are empty (or 0 where a figure of 0 means "no trace").
struct PhotoCondition {
  // Noise, read in the flattest parts. Standard deviations in 1/255.
  std::optional<double> noise;              ///< Of the luma.
  std::optional<double> chroma_noise;       ///< Of the colour differences; empty for gray photos.
  std::optional<double> noise_correlation;  ///< Between neighbouring pixels: about 0 = white; 0.5 = coarse grain.
  bool noise_is_white = false;              ///< There is noise, and its correlation is below 0.25.

  // Compression.
  std::optional<JpegEstimate> jpeg;    ///< Where blocks of 8 x 8 pixels lie on the photo's own grid.
  double blockiness = 0.0;             ///< How much stronger pixel jumps are at the edges of blocks; 0 = no trace.
  std::optional<double> jpeg_resized;  ///< Period in pixels of a block grid that was resized after compression.
  double ringing = 0.0;                ///< Ripple 3 to 5 pixels beside strong edges, as a part of the edge.

  // Sharpness.
  std::optional<double> edge_width;       ///< 10 to 90 %, pixels; about 1.7 after bicubic downscaling.
  std::optional<double> edge_overshoot;   ///< As a part of the edge's height; above 0.03 the photo was sharpened.
  std::optional<double> half_power;       ///< Cycles per pixel up to which the spectrum is that of a sharp photo.
  bool enlarged_before = false;           ///< The upper band is empty, or interpolation left its periodic trace.
  std::optional<double> enlarged_factor;  ///< Where it is clear.
  bool halftone = false;                  ///< Printed with a screen: isolated peaks of the spectrum.

  // Content.
  double flat_share = 0.0;       ///< Share of blocks of 8 x 8 pixels whose pixels are all equal.
  double few_colours_share = 0;  ///< Share of pixels that the 8 most frequent colours cover.
  bool graphics = false;         ///< A drawing, text or screen shot rather than a photograph.

  /// How visibly noise, compression and resampling have degraded the photo: 0 = as clean as a sharp photo after
  /// bicubic downscaling, 1 = clearly damaged. Blur alone should not count (known
  /// error for wide blur without noise: condition/damage.cpp). Calibration: condition/damage.cpp.
  double damage = 0.0;
};

/// Looks at one photo, [1, C, h, w] float32 in [0, 1] with C = 1 or 3, of any size from 1 x 1 (below 32 x 32 next to
/// everything is empty). Large photos are judged by at most nine crops of 256 x 256. Deterministic. Throws OptionError
/// for other shapes.
PhotoCondition look_at_condition(const torch::Tensor& image);

/// One clause for people, e.g. "JPEG of about quality 40, noise 9/255 (colour), slight blur".
std::string describe(const PhotoCondition& condition);

/// For records: every field by its name, null where empty.
nlohmann::ordered_json to_json(const PhotoCondition& condition);

}  // namespace zsr
