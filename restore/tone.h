#pragma once

#include <nlohmann/json_fwd.hpp>
#include <torch/types.h>

#include <array>

namespace zsr::restore {

/// How a colour cast is removed; the defaults are for yellowed and faded prints.
struct ToneOptions {
  double tail = 0.005;     ///< Part of the pixels below the black point, and above the white point, [0, 0.1].
  double max_gain = 1.6;   ///< Largest stretch of a channel, [1, 4].
  double max_gamma = 1.3;  ///< Largest bend of a channel towards neutral middle tones, [1, 2]; smallest: its inverse.
  /// Largest part of the samples that may be clipped, [0, 1]; the correction becomes weaker to keep it.
  double max_clipped = 0.01;
  void validate() const;  ///< Throws OptionError.
};

/// What correct_tone did.
struct Tone {
  torch::Tensor image;      ///< As the photo, in [0, 1].
  bool monochrome = false;  ///< It was a tinted monochrome and is neutral gray now.
  double strength = 0.0;    ///< Of the correction, [0, 1]; 0 = no curve was changed.
  // A sample v of R, G or B becomes (gain v + offset)^gamma. Gray photos have the three alike.
  std::array<double, 3> gain{1.0, 1.0, 1.0};
  std::array<double, 3> offset{0.0, 0.0, 0.0};
  std::array<double, 3> gamma{1.0, 1.0, 1.0};
  double clipped = 0.0;  ///< Samples that left [0, 1] on the way and were clipped, over all samples.
};

/// Removes a colour cast and stretches faded tones: black and white points of each channel by percentiles (Limare,
/// Lisani, Morel, Petro and Sbert, "Simplest color balance", IPOL 2011) of the photo made small, so that grain and
/// specks do not count; then an exponent per channel that makes the nearly gray middle tones gray (as Huo et al.,
/// "Robust automatic white balance algorithm using gray color points in images", IEEE TCE 2006). All within the limits
/// of the options. A photo whose channels follow its brightness alone (sepia, yellowed black and white) becomes neutral
/// gray. A photo whose black is black and whose white is not warm (R >= G >= B) is returned unchanged. `photo` [1, 1
/// or 3, h, w] float32 in [0, 1]. Throws OptionError.
Tone correct_tone(const torch::Tensor& photo, const ToneOptions& options = {});

/// For records.
nlohmann::json to_json(const Tone& tone);

}  // namespace zsr::restore
