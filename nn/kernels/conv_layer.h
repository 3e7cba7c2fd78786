#pragma once

#include <cstdint>

namespace zsr {

/// One 3x3 convolution, stride 1, zero padding 1, and what follows it: bias, sum with an earlier image, activation,
/// rearrangement of channels into pixels, in this order.
struct ConvLayer {
  int64_t in_channels = 0;   ///< > 0.
  int64_t out_channels = 0;  ///< > 0.
  bool bias = false;
  bool relu = false;
  /// max(x, 0) + slope min(x, 0) with a parameter for each channel. Not beside `relu`; no gradients.
  bool prelu = false;
  /// Adds the chain's input (0) or the output of layer `add - 1`, of this layer's output shape; -1 for none.
  int64_t add = -1;
  /// Channel c s^2 + y s + x becomes pixel (y, x) of channel c, s times the size (as torch::pixel_shuffle). Not beside
  /// `add`.
  int64_t shuffle = 1;

  bool operator==(const ConvLayer&) const = default;
  /// Channels that the next layer sees.
  int64_t image_channels() const { return out_channels / (shuffle * shuffle); }
};

}  // namespace zsr
