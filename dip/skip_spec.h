#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zsr::dip {

/// An hourglass with skip connections (Ulyanov, Vedaldi and Lempitsky, CVPR 2018; models/skip.py of their release).
/// Level i halves its input by a convolution of stride 2, convolves once more, hands the result to level i + 1,
/// enlarges what comes back, puts the skip branch (1x1) before it, and convolves that. Every convolution is followed by
/// batch normalisation over the one image and LeakyReLU(0.2), the last one by a sigmoid; borders are reflected.
struct SkipSpec {
  int64_t inputs = 32;                                    ///< > 0. Channels of the noise.
  int64_t outputs = 3;                                    ///< 1 or 3.
  std::vector<int64_t> down = {128, 128, 128, 128, 128};  ///< Channels of each level on the way down.
  std::vector<int64_t> up = {128, 128, 128, 128, 128};
  std::vector<int64_t> skip = {4, 4, 4, 4, 4};  ///< 0: no skip branch.
  int64_t down_filter = 3;                      ///< 3 or 5.
  bool bilinear = true;                         ///< Else nearest neighbours.
  bool point_wise_up = true;                    ///< A convolution 1x1 behind the one on the way up.
  bool non_local = false;                       ///< A non-local block in levels from the third on (DIP-FKP).

  int64_t levels() const { return static_cast<int64_t>(down.size()); }
  /// Sides of the image are multiples of this.
  int64_t divisor() const { return int64_t{1} << levels(); }
  /// Side of the image that the network makes for one of `side` pixels: whole multiples, no less than two.
  int64_t canvas(int64_t side) const;
  /// Channels that level `i` enlarges.
  int64_t enlarged(int64_t i) const {
    return i + 1 < levels() ? up[static_cast<size_t>(i) + 1] : down[static_cast<size_t>(i)];
  }
  /// Channels that level `i` sees.
  int64_t seen(int64_t i) const { return i == 0 ? inputs : down[static_cast<size_t>(i) - 1]; }
  /// Throws OptionError.
  void validate() const;
};

/// Where a tensor lies in the flat parameters.
struct Slice {
  int64_t offset = 0;
  std::vector<int64_t> shape;
  int64_t count() const;
  torch::Tensor of(const torch::Tensor& flat) const { return flat.narrow(0, offset, count()).view(shape); }
};

/// A convolution with its bias, and the normalisation behind it.
struct LayerSlices {
  Slice weight, bias, gain, shift;
};

/// Of one non-local block: three embeddings 1x1, and the way back with its normalisation.
struct NonLocalSlices {
  Slice value, value_bias, key, key_bias, query, query_bias;
  LayerSlices back;
};

struct LevelSlices {
  LayerSlices skip, down, second, up, point;
  Slice joint_gain, joint_shift;  ///< Of the normalisation of skip and enlarged image together.
  NonLocalSlices non_local;
};

/// All parameters of a network, in the order of the flat vector.
struct SkipLayout {
  std::vector<LevelSlices> levels;
  Slice last, last_bias;
  int64_t count = 0;
  explicit SkipLayout(const SkipSpec& spec);
};

}  // namespace zsr::dip
