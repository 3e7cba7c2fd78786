#pragma once

#include <cstdint>

namespace zsr {

/// One 3x3 convolution, stride 1, zero padding 1, with an optional bias and an optional ReLU behind it.
struct ConvLayer {
  int64_t in_channels = 0;   ///< > 0.
  int64_t out_channels = 0;  ///< > 0.
  bool bias = false;
  bool relu = false;
};

}  // namespace zsr
